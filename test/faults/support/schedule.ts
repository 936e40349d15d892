import { nextChange, changed, type Change, type Profiles } from './profiles.ts';
import { Random } from './random.ts';

export type Victim =
  | { what: 'manager' | 'agent' | 'kubelet' | 'containerd'; node: string }
  | { what: 'redis' | 'kube-apiserver' | 'etcd'; node?: undefined };

export type NetworkFault =
  | { fault: 'reset' | 'half-open' | 'cut abrupt' | 'cut clean' }
  | { fault: 'stall' | 'stall up' | 'stall down' | 'refuse'; forMs: number }
  | { fault: 'delay'; ms: number; forMs: number }
  | { fault: 'answer'; status: 403 | 409 | 410 | 429 | 500; retryAfterSeconds?: number; forMs: number };

export type Step =
  | { kind: 'change'; change: Change }
  | { kind: 'kill'; victim: Victim }
  /** SIGSTOP, and SIGCONT after this many ms. */
  | { kind: 'pause'; victim: Victim; forMs: number }
  /** `who`: the client whose connections it hits; redis: those of the managers to Redis. */
  | { kind: 'network'; who: string; fault: NetworkFault }
  | { kind: 'disk'; node: string; what: 'full' | 'read-only /etc'; forMs: number }
  | { kind: 'flush Redis' }
  | { kind: 'wait'; ms: number }
  /** Everything comes to rest, and is compared with what the profiles say. */
  | { kind: 'check' };

export interface ScheduleOptions {
  seed: number;
  kills: number;
  network: number;
  nodes: readonly string[];
}

export interface Schedule {
  /** external: two managers share a Redis behind a proxy; embedded: one with its own. */
  redis: 'external' | 'embedded';
  steps: Step[];
}

/** Kills between two checks, about. */
const ROUND = 20;

class Draw {
  readonly #random: Random;
  readonly #nodes: readonly string[];
  readonly #redis: Schedule['redis'];

  constructor(random: Random, nodes: readonly string[], redis: Schedule['redis']) {
    this.#random = random;
    this.#nodes = nodes;
    this.#redis = redis;
  }

  /** What has most of the work under way is hit most often. */
  victim(): Victim {
    const what = this.#random.weighted({
      agent: 45,
      manager: 22,
      redis: 11,
      kubelet: 9,
      containerd: 6,
      'kube-apiserver': 4,
      etcd: 3,
    });
    if (what === 'redis' || what === 'kube-apiserver' || what === 'etcd') return { what };
    return { what, node: this.#random.pick(this.#nodes) };
  }

  network(): { who: string; fault: NetworkFault } {
    const who = this.#random.pick([
      ...this.#nodes,
      'manager',
      ...(this.#redis === 'external' ? ['redis'] : []),
    ]);
    return { who, fault: who === 'redis' ? this.#bytes() : this.#request() };
  }

  #bytes(): NetworkFault {
    const random = this.#random;
    const fault = random.weighted({
      reset: 4,
      stall: 3,
      'stall up': 1,
      'stall down': 1,
      'half-open': 1,
      refuse: 2,
      delay: 2,
    });
    const forMs = random.int(500, 5000);
    if (fault === 'reset' || fault === 'half-open') return { fault };
    return fault === 'delay' ? { fault, ms: random.int(50, 800), forMs } : { fault, forMs };
  }

  #request(): NetworkFault {
    const random = this.#random;
    const kind = random.weighted({ bytes: 12, cut: 5, answer: 8 });
    if (kind === 'bytes') return this.#bytes();
    if (kind === 'cut') return { fault: random.pick(['cut abrupt', 'cut clean']) };
    const status = random.pick([403, 409, 410, 429, 500] as const);
    return {
      fault: 'answer',
      status,
      ...(status === 429 && { retryAfterSeconds: random.int(1, 3) }),
      forMs: random.int(500, 4000),
    };
  }

  other(): Step {
    const random = this.#random;
    const kind = random.weighted({ pause: 6, disk: 3, flush: 2 });
    if (kind === 'flush') return { kind: 'flush Redis' };
    if (kind === 'pause') return { kind: 'pause', victim: this.victim(), forMs: random.int(300, 4000) };
    const what = random.pick(['full', 'read-only /etc'] as const);
    return { kind: 'disk', node: random.pick(this.#nodes), what, forMs: random.int(1000, 4000) };
  }
}

/**
 * What happens, in which order and how long after one another: the same for the same seed. What a fault meets differs from run to run all
 * the same, because programs are not equally fast each time.
 */
export function schedule({ seed, kills, network, nodes }: ScheduleOptions): Schedule {
  const random = new Random(seed);
  const redis = random.pick(['external', 'embedded'] as const);
  const draw = new Draw(random, nodes, redis);
  const faults = random.shuffled<'kill' | 'network' | 'other'>([
    ...Array<'kill'>(kills).fill('kill'),
    ...Array<'network'>(network).fill('network'),
    // On top of what was asked for.
    ...Array<'other'>(Math.ceil((kills + network) / 12)).fill('other'),
  ]);
  let profiles: Profiles = new Map();
  const steps: Step[] = [];
  const change = (): void => {
    const next = nextChange(random, profiles, nodes);
    profiles = changed(profiles, next);
    steps.push({ kind: 'change', change: next });
  };
  let sinceCheck = 0;
  for (const kind of faults) {
    for (let n = random.int(0, 2); n > 0; n--) {
      change();
      // Most changes take the operator less than a second: faults fall into all of it.
      steps.push({ kind: 'wait', ms: random.int(0, 300) });
    }
    steps.push({ kind: 'wait', ms: random.int(0, 900) });
    if (kind === 'kill') steps.push({ kind, victim: draw.victim() });
    else if (kind === 'network') steps.push({ kind, ...draw.network() });
    else steps.push(draw.other());
    if (++sinceCheck >= (ROUND * (kills + network)) / Math.max(kills, 1)) {
      steps.push({ kind: 'check' });
      sinceCheck = 0;
    }
  }
  if (sinceCheck > 0) steps.push({ kind: 'check' });
  return { redis, steps };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** How long a fault goes on by itself, in ms. */
export function lasts(step: Step): number {
  if (step.kind === 'network') return 'forMs' in step.fault ? step.fault.forMs : 0;
  return 'forMs' in step ? step.forMs : 0;
}

/** A step for a person who reads what happened. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'change':
      return `profile ${step.change.profile}: ${step.change.to ? JSON.stringify({ ...step.change.to.values, patterns: step.change.to.patterns }) : 'deleted'}`;
    case 'kill':
      return ['kill -9', step.victim.what, step.victim.node].filter(Boolean).join(' ');
    case 'pause':
      return ['pause', step.victim.what, step.victim.node, seconds(step.forMs)].filter(Boolean).join(' ');
    case 'network':
      return `network of ${step.who}: ${JSON.stringify(step.fault)}`;
    case 'disk':
      return `disk of ${step.node}: ${step.what} for ${seconds(step.forMs)}`;
    case 'wait':
      return `wait ${seconds(step.ms)}`;
    default:
      return step.kind;
  }
}
