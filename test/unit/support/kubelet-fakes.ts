import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { parse } from 'yaml';
import type { PodSysctls } from '../../../operator/agent/kubelet/change.ts';
import type { Clock } from '../../../operator/agent/kubelet/clock.ts';
import type { KubeletEndpoint } from '../../../operator/agent/kubelet/endpoint.ts';
import type { ServiceManager, UnitState } from '../../../operator/agent/kubelet/systemd.ts';
import { checkPattern, isSafeSysctl, patternMatches } from '../../../operator/sysctl/kubelet-patterns.ts';
import type { FakeNode } from './kubelet-node.ts';

export const UNIT = 'kubelet.service';
export const MAIN = '/var/lib/kubelet/config.yaml';
export const FOLDER = '/etc/kubernetes/kubelet.conf.d';
export const DROP_IN = `${FOLDER}/99-sysctl-operator.conf`;

/** A clock that moves only when somebody sleeps, or a test says so. */
export class FakeClock implements Clock {
  #ms = 0;
  /** Runs after each sleep: what goes on meanwhile. */
  onSleep: () => void = () => {};

  monotonic(): number {
    return this.#ms;
  }

  now(): number {
    return Date.parse('2026-08-01T00:00:00Z') + this.#ms;
  }

  // oxlint-disable-next-line require-await
  async sleep(ms: number): Promise<void> {
    this.#ms += ms;
    this.onSleep();
  }

  pass(ms: number): void {
    this.#ms += ms;
  }
}

/** systemd.unit(5), StartLimitBurst. */
const START_LIMIT = 5;

type Config = Record<string, unknown> & { allowedUnsafeSysctls?: string[] };

/**
 * A kubelet under systemd: reads its files when it starts and only then, does not start with a bad list, is started again and again
 * then, and kills running pods whose sysctls it no longer allows.
 */
export class FakeKubelet implements ServiceManager {
  readonly #node: FakeNode;
  #pid = 0;
  #nextPid = 100;
  #restarts = 0;
  #live: string[] = [];
  #words = '';
  #warmUp = 0;
  /** Started with --config-dir. */
  folder: string | undefined;
  /** Running pods. */
  pods: PodSysctls[] = [];
  /** Pods that a start has killed. */
  readonly killed: string[] = [];
  /** How often it came up or tried to, systemd's own tries included. */
  starts = 0;
  /** Entries that this kubelet ends over, whatever its grammar says. */
  refuses: string[] = [];
  /** What it ends with, whatever its configuration says. */
  broken: string | undefined;
  /** How many ticks it takes from its start until it answers. */
  slow = 0;
  /** For this many requests it has not heard of its pods after a start, and then hears of one more with each. */
  learns = 0;
  #asked = 0;
  /** It does not answer /configz with its list. */
  mute = false;
  /** Runs before each answer. */
  onRequest: (path: string) => void = () => {};

  constructor(node: FakeNode, folder?: string) {
    this.#node = node;
    this.folder = folder;
  }

  get running(): boolean {
    return this.#pid > 0;
  }

  get pid(): number {
    return this.#pid;
  }

  get live(): string[] {
    return this.#live;
  }

  #files(folder: string): string[] {
    const entries = readdirSync(this.#node.at(folder), { withFileTypes: true });
    return entries
      .toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
      .flatMap((entry) => {
        const path = posix.join(folder, entry.name);
        return entry.isDirectory() ? this.#files(path) : [path];
      })
      .filter((path) => path.endsWith('.conf'));
  }

  #config(): Config {
    const merged: Config = {};
    for (const path of [MAIN, ...(this.folder === undefined ? [] : this.#files(this.folder))]) {
      const text = readFileSync(this.#node.at(path), 'utf8');
      const config = parse(text) as Config | null;
      if (config?.['kind'] !== 'KubeletConfiguration')
        throw new Error(`Object 'Kind' is missing in '${path}'`);
      for (const [key, value] of Object.entries(config))
        if (value === null) delete merged[key];
        else merged[key] = value;
    }
    return merged;
  }

  stop(): void {
    this.#node.gone(this.#pid);
    this.#pid = 0;
  }

  /** As systemd does; a kubelet that ends is started again by `tick`. */
  start(): void {
    this.starts++;
    try {
      if (this.broken !== undefined) throw new Error(this.broken);
      const list = this.#config().allowedUnsafeSysctls ?? [];
      const bad = list.find((entry) => checkPattern(entry) !== undefined || this.refuses.includes(entry));
      if (bad !== undefined) throw new Error(`the sysctls "${bad}" are not known to be namespaced`);
      this.#live = list;
    } catch (error) {
      this.#words = `E0801 kubelet.go:1] "command failed" err=${JSON.stringify(`failed to run Kubelet: ${String(error)}`)}\n`;
      return;
    }
    const allowed = (name: string): boolean =>
      isSafeSysctl(name) || this.#live.some((entry) => patternMatches(entry, name));
    const refused = this.pods.filter(({ sysctls }) => !sysctls.every(allowed));
    this.killed.push(...refused.map(({ pod }) => pod));
    this.pods = this.pods.filter((pod) => !refused.includes(pod));
    this.#warmUp = this.slow;
    this.#asked = 0;
    this.#pid = this.#nextPid++;
    const args = [
      '/usr/bin/kubelet',
      `--config=${MAIN}`,
      ...(this.folder === undefined ? [] : ['--config-dir', this.folder]),
    ];
    this.#node.process(this.#pid, { args });
  }

  /** A while passes: systemd starts a kubelet that has ended again, until it gives up. */
  tick(): void {
    if (this.running) return void (this.#warmUp = Math.max(0, this.#warmUp - 1));
    if (this.#restarts === START_LIMIT) return;
    this.#restarts++;
    this.start();
  }

  /** Somebody, or the machine, starts it anew. */
  bounce(): void {
    this.stop();
    this.start();
  }

  // oxlint-disable-next-line require-await
  async show(unit: string): Promise<UnitState | undefined> {
    const failed = !this.running && this.#restarts === START_LIMIT;
    return unit === UNIT ? { mainPid: this.#pid, restarts: this.#restarts, failed } : undefined;
  }

  // oxlint-disable-next-line require-await
  async restart(unit: string): Promise<void> {
    if (unit !== UNIT) throw new Error(`Unit ${unit} not found.`);
    this.#restarts = 0;
    this.bounce();
  }

  // oxlint-disable-next-line require-await
  async lastWords(): Promise<string> {
    return this.#words;
  }

  #known(): PodSysctls[] | undefined {
    const known = this.learns === 0 ? this.pods.length : ++this.#asked - this.learns;
    return known < 0 ? undefined : this.pods.slice(0, known);
  }

  endpoint(): KubeletEndpoint {
    const answer = <T>(path: string, value: () => T): Promise<T> =>
      Promise.resolve().then(() => {
        this.onRequest(path);
        if (!this.running || this.#warmUp > 0) throw new Error('connect ECONNREFUSED 127.0.0.1:10250');
        if (this.mute && path !== '/healthz') throw new Error('GET /configz: status 403');
        return value();
      });
    return {
      healthy: () => answer('/healthz', () => true).catch(() => false),
      list: () => answer('/configz', () => [...this.#live]),
      pods: () => answer('/pods', () => this.#known()),
      close: () => {},
    };
  }
}
