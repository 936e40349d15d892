import { setTimeout as sleep } from 'node:timers/promises';
import { GROUP, paths } from '../../../operator/api/names.ts';
import { existing } from '../../cluster/tool/cluster.ts';
import type { Layout } from '../../cluster/tool/layout.ts';
import { nodeExec } from '../../cluster/tool/node-exec.ts';
import { clean, kubectl, NAMESPACE, setByHand, waitReady } from '../../node/support/cluster.ts';
import { Admin } from './admin.ts';
import { profileObject } from './chaos.ts';
import { differences, look, type NodeLook } from './node-look.ts';
import { changed, KEYS, nextValues, wantedOf, type Profiles } from './profiles.ts';
import { Random } from './random.ts';
import { growth, type Measured } from './soak-series.ts';

export interface SoakOptions {
  seed: number;
  minutes: number;
  say: (line: string) => void;
}

export interface SoakResult {
  series: Measured[];
  /** What grew, was restarted, or was not as wanted in the end. */
  problems: string[];
  changes: number;
  drifts: number;
}

const DRIFT_MS = 1000;
const CHANGE_MS = 10_000;
/** A change of the list restarts both kubelets: one of so many changes. */
const LIST_EVERY = 6;
const SAMPLE_MS = 10_000;
const LIST = 'kernel.msgmax';
const PROFILE = 'soak';
const DEPLOYMENT = ['-n', NAMESPACE, 'deployment/sysctl-operator'];

/** Per process of the operator on a node: its name, its pid, its anonymous memory in kB, its open files. */
const PROCESSES = `for what in manager agent redis; do
  case $what in redis) pid=$(pgrep -o -x 'redis-server|valkey-server');; *) pid=$(pgrep -o -f "main.cjs $what");; esac
  [ -n "$pid" ] && echo $what $pid $(sed -n 's/^RssAnon:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$pid/status) $(ls /proc/$pid/fd | wc -l)
done; true`;

/** The embedded Redis has its socket in the pod's own /tmp. */
const REDIS = `pid=$(pgrep -o -x 'redis-server|valkey-server') || exit 0
socket=$(ls /proc/$pid/root/tmp/*/redis.sock)
redis-cli -s $socket DBSIZE; redis-cli -s $socket INFO memory | sed -n 's/^used_memory:\\([0-9]*\\).*/\\1/p'`;

class Soak {
  readonly #o: SoakOptions;
  readonly #layout: Layout;
  readonly #nodes: readonly string[];
  readonly #admin: Admin;
  readonly #random: Random;
  readonly #series: Measured[] = [];
  readonly #pids = new Map<string, string>();
  readonly #problems: string[] = [];
  readonly #started = performance.now();
  #profiles: Profiles = new Map();
  #changes = 0;
  #drifts = 0;

  constructor(options: SoakOptions, layout: Layout) {
    this.#o = options;
    this.#layout = layout;
    this.#nodes = layout.nodes();
    this.#admin = new Admin(layout);
    this.#random = new Random(options.seed);
  }

  async run(): Promise<SoakResult> {
    const before = new Map(
      await Promise.all(this.#nodes.map(async (node) => [node, await this.#look(node)] as const)),
    );
    await this.#change();
    await waitReady(PROFILE);
    const end = this.#started + this.#o.minutes * 60_000;
    const every = async (ms: number, work: () => Promise<void>): Promise<void> => {
      for (let next = performance.now(); next < end; next += ms) {
        await sleep(Math.max(0, next - performance.now()));
        await work();
      }
    };
    await Promise.all([
      every(DRIFT_MS, () => this.#drift()),
      every(CHANGE_MS, () => this.#change()),
      every(SAMPLE_MS, () => this.#measure()),
    ]);
    await this.#judge(before);
    return {
      series: this.#series,
      problems: this.#problems,
      changes: this.#changes,
      drifts: this.#drifts,
    };
  }

  #look(node: string): Promise<NodeLook> {
    return look(this.#layout, this.#admin, node, Object.keys(KEYS));
  }

  /** Somebody else writes what nobody wants. */
  async #drift(): Promise<void> {
    const name = this.#random.pick(Object.keys(KEYS));
    await setByHand(this.#random.pick(this.#nodes), name, KEYS[name]?.(this.#random, 1) ?? '');
    this.#drifts++;
  }

  async #change(): Promise<void> {
    const had = this.#profiles.get(PROFILE)?.patterns ?? [];
    const toggled = had.length > 0 ? [] : [LIST];
    const to = {
      priority: 0,
      nodes: this.#nodes,
      values: nextValues(this.#random, 0),
      patterns: this.#changes % LIST_EVERY === 0 ? toggled : had,
    };
    this.#profiles = changed(this.#profiles, { profile: PROFILE, to });
    await this.#admin.apply(`${paths.profiles}/${PROFILE}`, profileObject(PROFILE, to));
    this.#changes++;
  }

  async #measure(): Promise<void> {
    const values: Record<string, number> = {};
    for (const node of this.#nodes) {
      const lines = (await nodeExec(this.#layout, node, 'sh', '-c', PROCESSES)).trim().split('\n');
      for (const line of lines.filter(Boolean)) {
        const [what = '', pid = '', anonymous, descriptors] = line.split(' ');
        const name = what === 'agent' ? `${what} ${node}` : what;
        this.#sawPid(name, pid);
        values[`${name} anonymous MB`] = Number(anonymous) / 1024;
        values[`${name} descriptors`] = Number(descriptors);
      }
      const [keys, bytes] = (await nodeExec(this.#layout, node, 'sh', '-c', REDIS)).trim().split('\n');
      if (keys) {
        values['Redis keys'] = Number(keys);
        values['Redis MB'] = Number(bytes) / 2 ** 20;
      }
    }
    Object.assign(values, await this.#objects());
    this.#series.push({ at: performance.now() - this.#started, values });
    this.#o.say(
      JSON.stringify(this.#series.at(-1), (_key, value: unknown) =>
        typeof value === 'number' ? Math.round(value * 10) / 10 : value,
      ),
    );
  }

  #sawPid(name: string, pid: string): void {
    const before = this.#pids.get(name);
    if (before !== undefined && before !== pid) this.#problems.push(`${name} was started again`);
    this.#pids.set(name, pid);
  }

  async #objects(): Promise<Record<string, number>> {
    const lists: Record<string, string> = {
      revisions: paths.revisions(NAMESPACE),
      states: paths.states,
      leases: '/apis/coordination.k8s.io/v1/leases',
      pods: `/api/v1/namespaces/${NAMESPACE}/pods`,
      events: paths.events(),
    };
    // Of the Events those that are the operator's; of everything else all.
    const count = async (path: string): Promise<number> =>
      ((await this.#admin.get<{ items: { reportingController?: string }[] }>(path))?.items ?? []).filter(
        ({ reportingController = GROUP }) => reportingController.startsWith(GROUP),
      ).length;
    const entries = Object.entries(lists).map(async ([name, path]) => [name, await count(path)] as const);
    return Object.fromEntries(await Promise.all(entries));
  }

  async #judge(before: ReadonlyMap<string, NodeLook>): Promise<void> {
    this.#problems.push(...growth(this.#series));
    // The recorder's own limit: 25 at once and one a minute, for each object that events are about.
    const events =
      (this.#nodes.length + 1) * (25 + this.#o.minutes) + (this.#series[0]?.values['events'] ?? 0);
    const found = this.#series.at(-1)?.values['events'] ?? 0;
    if (found > events) this.#problems.push(`there are ${found} events, and at most ${events} may be`);
    await this.#asWanted(before);
    await this.#admin.delete(`${paths.profiles}/${PROFILE}`);
  }

  /** Nothing of the drift is left, and nothing of the changes lost. */
  async #asWanted(before: ReadonlyMap<string, NodeLook>): Promise<void> {
    let left: string[] = [];
    for (let tries = 0; tries < 60; tries++) {
      left = [];
      for (const [node, was] of before)
        left.push(...differences(node, await this.#look(node), wantedOf(this.#profiles, node), was));
      if (left.length === 0) return;
      await sleep(1000);
    }
    this.#problems.push(...left);
  }
}

/** Lets the installed operator work for so many minutes, while somebody drifts every second and edits every ten, and measures it. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  await clean();
  await kubectl('set', 'env', ...DEPLOYMENT, 'AGENT_DRIFT_INTERVAL_SECONDS=2');
  await kubectl('rollout', 'restart', ...DEPLOYMENT);
  await kubectl('rollout', 'status', ...DEPLOYMENT, '--timeout=120s');
  try {
    return await new Soak(options, existing()).run();
  } finally {
    await clean();
  }
}
