import { setTimeout as sleep } from 'node:timers/promises';
import { API_VERSION, paths } from '../../../operator/api/names.ts';
import { conditionOf } from '../../../operator/api/conditions.ts';
import type { SysctlProfile } from '../../../operator/api/profile.ts';
import { existing } from '../../cluster/tool/cluster.ts';
import { diagnose } from '../../node/support/cluster.ts';
import { Admin } from './admin.ts';
import { inject } from './inject.ts';
import { contentKey, outOfOrder, reportedOutOfOrder, withoutRepeats } from './history.ts';
import { allowedRestarts, kubeletStarts, type Stretch } from './kubelet-starts.ts';
import { differences, fingerprint, halfMade, look, type NodeLook } from './node-look.ts';
import { Processes } from './processes.ts';
import {
  changed,
  KEYS,
  wantedOf,
  type Change,
  type Profile,
  type Profiles,
  type Wanted,
} from './profiles.ts';
import { Recorder } from './recorder.ts';
import { describeStep, lasts, schedule, type Schedule, type ScheduleOptions, type Step } from './schedule.ts';
import { Setting } from './setting.ts';
import { ValueHistory } from './value-history.ts';

const CHECK_MS = 150_000;
const MAX_UNAVAILABLE = 1;

/** How nodes were before the first profile; `starts`: of the kubelet. */
type Before = ReadonlyMap<string, { look: NodeLook; print: Map<string, string>; starts: number }>;

export type ChaosOptions = Omit<ScheduleOptions, 'nodes'> & { say: (line: string) => void };

/** What a run did, for a table. */
export interface Report {
  seed: number;
  redis: Schedule['redis'];
  seconds: number;
  kills: number;
  network: number;
  changes: number;
  checks: number;
  /** The longest wait until everything was as wanted again after the last fault, in s. */
  slowestCheck: number;
  /** Kubelet restarts by agents, and how many were allowed. */
  kubeletRestarts: [made: number, allowed: number];
  revisionsTold: number;
}

/** The one command that does the same again. */
export const replay = ({ seed, kills, network }: Omit<ChaosOptions, 'say'>): string =>
  `npm run faults -- --seed ${seed} --kills ${kills} --network ${network}`;

const KEY_NAMES = Object.keys(KEYS);

/** As a person would apply it. */
export const profileObject = (name: string, { nodes, priority, values, patterns }: Profile): unknown => ({
  apiVersion: API_VERSION,
  kind: 'SysctlProfile',
  metadata: { name },
  spec: {
    nodeSelector: {
      matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: nodes }],
    },
    priority,
    sysctls: Object.entries(values).map(([key, value]) => ({ name: key, value, scope: 'Node' })),
    pods: { allowedUnsafeSysctls: patterns },
    rollout: { maxUnavailable: MAX_UNAVAILABLE },
  },
});

/** One run: a schedule on the installed operator, and everything that must hold meanwhile and afterwards. */
export class Chaos {
  readonly #o: ChaosOptions;
  readonly #setting: Setting;
  readonly #admin: Admin;
  readonly #processes: Processes;
  readonly #recorder: Recorder;
  readonly #schedule: Schedule;
  readonly #before: Before;
  readonly #asked: ReadonlyMap<string, Wanted[]>;
  readonly #values: ReadonlyMap<string, ValueHistory>;
  readonly #faults: (Stretch & { what: string; node: string | undefined })[] = [];
  readonly #problems: string[] = [];
  readonly #history: string[] = [];
  readonly #started = performance.now();
  #profiles: Profiles = new Map();
  #lasting: Promise<void>[] = [];
  #slowest = 0;

  private constructor(
    options: ChaosOptions,
    setting: Setting,
    planned: Schedule,
    admin: Admin,
    before: Before,
  ) {
    this.#o = options;
    this.#setting = setting;
    this.#schedule = planned;
    this.#admin = admin;
    this.#before = before;
    this.#processes = new Processes(setting.layout, setting.nodes, setting.redis?.server);
    this.#recorder = new Recorder(setting.layout);
    this.#asked = new Map(setting.nodes.map((node) => [node, [wantedOf(new Map(), node)]]));
    this.#values = new Map(
      setting.nodes.map((node) => [node, new ValueHistory(setting.layout, node, KEY_NAMES)]),
    );
  }

  /** Rejects with what did not hold, what happened before, and the command that does it again. */
  static async run(options: ChaosOptions): Promise<Report> {
    const layout = existing();
    const nodes = layout.nodes();
    const planned = schedule({ ...options, nodes });
    options.say(
      `seed ${options.seed}: ${planned.redis} Redis, ${nodes.length} nodes; again with: ${replay(options)}`,
    );
    const setting = await Setting.make(layout, planned.redis);
    try {
      const admin = new Admin(layout);
      const before = new Map(
        await Promise.all(
          nodes.map(async (node) => {
            const was = await look(layout, admin, node, KEY_NAMES);
            const print = await fingerprint(layout, node);
            return [node, { look: was, print, starts: kubeletStarts(layout, node) }] as const;
          }),
        ),
      );
      const chaos = new Chaos(options, setting, planned, admin, before);
      try {
        return await chaos.#perform();
      } finally {
        await chaos.#processes.settled().catch(() => {});
        await chaos.#stopWatching();
      }
    } finally {
      // What went wrong before says more.
      await setting.undo().catch((error: unknown) => options.say(String(error)));
    }
  }

  async #perform(): Promise<Report> {
    try {
      for (const step of this.#schedule.steps) await this.#step(step);
      await this.#giveBack();
      await this.#stopWatching();
      this.#judgeHistory();
      if (this.#problems.length > 0) throw new Error(this.#problems.slice(0, 20).join('\n'));
      return this.#report();
    } catch (error) {
      const diagnosis = await diagnose().catch(String);
      this.#o.say(`${diagnosis}\n--\n${this.#history.slice(-80).join('\n')}`);
      throw new Error(`${String(error)}\nagain with: ${replay(this.#o)}`, { cause: error });
    }
  }

  async #step(step: Step): Promise<void> {
    if (step.kind !== 'wait') this.#note(describeStep(step));
    if (step.kind === 'wait') await sleep(step.ms);
    else if (step.kind === 'change') await this.#change(step.change);
    else if (step.kind === 'check') await this.#check();
    else if (step.kind === 'kill') {
      const nodes = await this.#processes.kill(step.victim);
      const { what, node } = step.victim;
      this.#fault(what, nodes[0] ?? node);
      if (what === 'agent' && node !== undefined)
        this.#problems.push(...(await halfMade(this.#setting.layout, node)));
    } else {
      // What lasts goes on while the next steps are made.
      this.#fault(step.kind, undefined, lasts(step));
      this.#lasting.push(inject(step, this.#setting, this.#processes));
    }
  }

  #fault(what: string, node: string | undefined, ms = 0): void {
    const from = performance.now();
    this.#faults.push({ what, node, from, to: from + ms });
  }

  #note(text: string): void {
    const line = `${((performance.now() - this.#started) / 1000).toFixed(1).padStart(7)} ${text}`;
    this.#history.push(line);
  }

  async #change(change: Change): Promise<void> {
    this.#profiles = changed(this.#profiles, change);
    for (const [node, asked] of this.#asked) asked.push(wantedOf(this.#profiles, node));
    const path = `${paths.profiles}/${change.profile}`;
    if (change.to) await this.#admin.apply(path, profileObject(change.profile, change.to));
    else await this.#admin.delete(path);
  }

  /** Waits until everything is as the profiles say; rejects with what is not. */
  async #check(): Promise<void> {
    await Promise.all(this.#lasting);
    this.#lasting = [];
    await this.#processes.settled();
    const started = performance.now();
    let problems: string[];
    while ((problems = await this.#different()).length > 0) {
      if (performance.now() - started > CHECK_MS)
        throw new Error(`not within ${CHECK_MS / 1000} s:\n${problems.join('\n')}`);
      await sleep(500);
    }
    const took = (performance.now() - started) / 1000;
    this.#slowest = Math.max(this.#slowest, took);
    this.#note(`as wanted after ${took.toFixed(1)} s`);
    this.#o.say(this.#history.at(-1) ?? '');
    if (this.#problems.length > 0) throw new Error(this.#problems.join('\n'));
  }

  async #different(): Promise<string[]> {
    const { layout, nodes } = this.#setting;
    const problems: string[] = [];
    for (const name of this.#profiles.keys()) {
      const profile = await this.#admin.get<SysctlProfile>(`${paths.profiles}/${name}`);
      const ready = conditionOf(profile?.status?.conditions, 'Ready');
      if (ready?.status !== 'True' || ready.observedGeneration !== profile?.metadata.generation)
        problems.push(`profile ${name}: ${JSON.stringify(ready)}`);
    }
    for (const node of nodes) {
      const wanted = wantedOf(this.#profiles, node);
      const was = this.#before.get(node);
      const managed = wanted.sysctls.length + wanted.patterns.length > 0;
      const state = await this.#admin.get(`${paths.states}/${node}`);
      if (!managed && state) problems.push(`${node}: it is not given back`);
      const now = await look(layout, this.#admin, node, KEY_NAMES).catch(String);
      if (typeof now === 'string') problems.push(`${node}: ${now}`);
      else if (was) problems.push(...differences(node, now, wanted, was.look));
    }
    return problems;
  }

  /** All profiles go; every node must be as it was. */
  async #giveBack(): Promise<void> {
    for (const profile of this.#profiles.keys()) await this.#change({ profile, to: undefined });
    await this.#check();
    for (const [node, { print }] of this.#before) {
      const now = await fingerprint(this.#setting.layout, node);
      for (const [name, value] of print)
        if (now.get(name) !== value)
          this.#problems.push(`${node}: ${name} was ${value}, and is ${now.get(name)} in the end`);
      for (const name of now.keys()) if (!print.has(name)) this.#problems.push(`${node}: ${name} is left`);
    }
  }

  /** Once or more often. */
  async #stopWatching(): Promise<void> {
    await Promise.all([...this.#values.values()].map((values) => values.close()));
    await this.#recorder.close();
  }

  #judgeHistory(): void {
    this.#problems.push(...this.#recorder.overBudget(MAX_UNAVAILABLE));
    for (const [node, asked] of this.#asked) {
      const told = outOfOrder(withoutRepeats(asked.map(contentKey)), this.#recorder.toldTo(node));
      const reported = reportedOutOfOrder(this.#recorder.seen(node));
      this.#problems.push(
        ...told.map((problem) => `told to ${node}: ${problem}`),
        ...reported.map((problem) => `reported by ${node}: ${problem}`),
        ...this.#judgeValues(node, asked),
      );
      const [made, allowed] = this.#restarts(node);
      if (made > allowed)
        this.#problems.push(
          `${node}: the kubelet was restarted ${made} times for at most ${allowed} reasons`,
        );
    }
  }

  /** In the kernel: what was asked for one after the other, or was there before; never twice, and nothing old over something new. */
  #judgeValues(node: string, asked: readonly Wanted[]): string[] {
    const before = this.#before.get(node)?.look.values ?? {};
    return KEY_NAMES.flatMap((key) => {
      const values = asked.map(({ sysctls }) => sysctls.find(([name]) => name === key)?.[1] ?? before[key]);
      const seen = this.#values.get(node)?.of(key) ?? [];
      return outOfOrder(withoutRepeats(values).map(String), seen).map((p) => `${key} of ${node}: ${p}`);
    });
  }

  #restarts(node: string): [made: number, allowed: number] {
    const ours = this.#faults.filter((fault) => fault.what === 'kubelet' && fault.node === node).length;
    const made = kubeletStarts(this.#setting.layout, node) - (this.#before.get(node)?.starts ?? 0) - ours;
    const faults = this.#faults.filter((fault) => fault.node === undefined || fault.node === node);
    return [made, allowedRestarts(this.#recorder.listChanges(node), faults)];
  }

  #report(): Report {
    const count = (kind: Step['kind']): number =>
      this.#schedule.steps.filter((step) => step.kind === kind).length;
    const restarts = this.#setting.nodes.map((node) => this.#restarts(node));
    const sum = (i: 0 | 1): number => restarts.reduce((total, pair) => total + pair[i], 0);
    return {
      seed: this.#o.seed,
      redis: this.#schedule.redis,
      seconds: Math.round((performance.now() - this.#started) / 1000),
      kills: count('kill'),
      network: count('network'),
      changes: count('change'),
      checks: count('check'),
      slowestCheck: Math.round(this.#slowest * 10) / 10,
      kubeletRestarts: [sum(0), sum(1)],
      revisionsTold: this.#setting.nodes.reduce(
        (total, node) => total + withoutRepeats(this.#recorder.toldTo(node)).length,
        0,
      ),
    };
  }
}
