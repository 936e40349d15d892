import { isDeepStrictEqual } from 'node:util';
import {
  budgetOf,
  Rollout,
  type RolloutDecision,
  type RolloutNode,
  type RolloutProfile,
} from '../../../operator/rollout/rollout.ts';
import { integer, pick, random } from './random.ts';

type FleetNode = { -readonly [K in keyof RolloutNode]: RolloutNode[K] };

/** Made of a seed: nodes of several profiles, each on its way to the revision that it must have. */
export class Fleet {
  readonly next: () => number;
  readonly nodes: FleetNode[];
  readonly profiles = new Map<string, RolloutProfile>();
  readonly #rollout = new Rollout();

  constructor(seed: number) {
    this.next = random(seed);
    const names = ['p', 'q', 'r'].slice(0, 1 + integer(this.next, 3));
    const share = this.next();
    this.nodes = Array.from({ length: 1 + integer(this.next, 60) }, (_, i): FleetNode => {
      const fresh = this.next() < 0.3;
      return {
        name: `node-${i}`,
        wanted: 'r1',
        ...(!fresh && { current: 'r0', observed: 'r0' }),
        state: fresh ? 'unknown' : 'ready',
        available: true,
        profiles: names.filter(() => this.next() < 0.3 + share / 2),
      };
    });
    for (const name of names)
      this.profiles.set(name, {
        maxUnavailable: pick(this.next, [1, 2, 5, '10%', '30%', '100%']),
        paused: false,
        matched: this.of(name).length,
      });
  }

  of(profile: string): FleetNode[] {
    return this.nodes.filter((n) => n.profiles.includes(profile));
  }

  get finished(): boolean {
    return this.nodes.every((n) => n.available && n.current === n.wanted && n.observed === n.wanted);
  }

  /** Nodes that run nothing reliably now: told something that they have not reached, or not Ready. */
  unavailable(nodes: readonly RolloutNode[]): RolloutNode[] {
    return nodes.filter((n) => !n.available || (n.current !== undefined && n.current !== n.observed));
  }

  /** Tells the chosen nodes what they must have. Returns what was decided, and every budget that this broke. */
  step(): { decision: RolloutDecision; broken: string[] } {
    const idle = new Set(this.nodes.filter((n) => this.unavailable([n]).length === 0));
    const decision = this.#choose();
    const started = this.nodes.filter((n) => decision.start.includes(n.name));
    for (const n of started) n.current = n.wanted;
    const over = (name: string, members: readonly RolloutNode[], budget: number): string[] => {
      const now = this.unavailable(members).length;
      const fault = members.some((n) => idle.has(n) && started.includes(n));
      return fault && now > budget ? [`${name}: ${now} of ${members.length}, allowed are ${budget}`] : [];
    };
    const broken = [...this.profiles].flatMap(([name, { maxUnavailable, matched }]) =>
      over(name, this.of(name), budgetOf(maxUnavailable, matched)),
    );
    const leaving = this.nodes.filter((n) => n.profiles.length === 0);
    broken.push(...over('leaving', leaving, Math.max(1, Math.floor(leaving.length / 10))));
    return { decision, broken };
  }

  /** The one that has seen the whole history must say what one that sees only this moment says. */
  #choose(): RolloutDecision {
    const fresh = new Rollout();
    for (const n of this.nodes) {
      this.#rollout.setNode({ ...n });
      fresh.setNode({ ...n });
    }
    const decision = this.#rollout.choose(this.profiles);
    if (!isDeepStrictEqual(decision, fresh.choose(this.profiles)))
      throw new Error('the rollout depends on its history');
    return decision;
  }

  /** Agents get on: some are through, some restart their node's kubelet on the way. */
  agentsWork(fails: (n: RolloutNode) => boolean = () => false): void {
    for (const n of this.nodes) {
      if (!n.available) n.available = this.next() < 0.5;
      else if (n.current !== undefined && n.observed !== n.current && this.next() < 0.6) {
        n.observed = n.current;
        n.state = fails(n) ? 'failed' : 'ready';
        n.available = this.next() < 0.7;
      }
    }
  }
}
