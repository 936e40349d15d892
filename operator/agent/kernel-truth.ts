import { readFileSync } from 'node:fs';
import type { Deviation, KernelStatus } from '../api/state.ts';
import { messageOf } from '../errors.ts';
import { KernelView } from '../sysctl/kernel/view.ts';
import type { Log } from '../telemetry/log.ts';
import type { Probe } from './probe/probe.ts';

export interface KernelTruthOptions {
  /** Loads and runs the probe. */
  probe: () => Promise<Probe>;
  /** Changes when the kernel may have other sysctls than before. */
  version: () => string;
  log: Log;
  /** Monotonic, in ms. */
  now?: () => number;
}

/** After a probe that failed: what it lacks (a program, a right) seldom comes by itself. */
const RETRY_MS = 10 * 60_000;

/**
 * The kernel's release, and its modules with their state: nf_conntrack and ip_vs bring their sysctls when they are loaded, which can be
 * long after the agent has started.
 */
export function kernelVersion(release: string, file = '/proc/modules'): string {
  let modules = '';
  try {
    modules = readFileSync(file, 'utf8');
  } catch {
    // A kernel without modules.
  }
  // The counters between name and state change all the time.
  const names = modules.split('\n').map((line) => `${line.split(' ')[0]} ${line.split(' ')[4]}`);
  return [release, ...names.toSorted()].join('\n');
}

/** What this node's kernel has: looked at once, and again when the kernel may have changed. */
export class KernelTruth {
  readonly #o: Required<KernelTruthOptions>;
  #seen = '';
  #retryAt = 0;
  #status: KernelStatus | undefined;
  #view: KernelView | undefined;

  constructor(options: KernelTruthOptions) {
    this.#o = { now: () => performance.now(), ...options };
  }

  /** undefined before the first look, or when that failed: then the catalog holds. */
  get status(): KernelStatus | undefined {
    return this.#status;
  }

  /** Looks where that is due. Returns whether something else was found than before. Never throws. */
  async look(): Promise<boolean> {
    const version = this.#o.version();
    const retry = this.#retryAt > 0 && this.#o.now() >= this.#retryAt;
    if (version === this.#seen && !retry) return false;
    this.#seen = version;
    this.#retryAt = 0;
    try {
      const started = this.#o.now();
      const { kernel, problems } = await this.#o.probe();
      const ms = Math.round(this.#o.now() - started);
      this.#o.log.info('looked at the kernel', { digest: kernel.digest, ms });
      if (problems) this.#o.log.warn('a part of the kernel was not looked at', { problems });
      const changed = JSON.stringify(kernel) !== JSON.stringify(this.#status);
      this.#status = kernel;
      this.#view = new KernelView(kernel);
      return changed;
    } catch (error) {
      this.#retryAt = this.#o.now() + RETRY_MS;
      this.#o.log.warn(messageOf(error), { error });
      return false;
    }
  }

  /**
   * Of a list for the kubelet, what this kernel can give to pods; the rest as deviations. The manager leaves it out as well once it knows
   * this kernel: until then the kubelet must not allow it either.
   */
  allowed(patterns: readonly string[]): { patterns: string[]; withheld: Deviation[] } {
    const withheld = patterns.flatMap((name): Deviation[] => {
      const refusal = this.#view?.refusesPods(name);
      return refusal
        ? [{ name, state: 'Unsupported', message: `${name}: ${refusal}: pods cannot set it` }]
        : [];
    });
    const names = new Set(withheld.map((d) => d.name));
    return { patterns: patterns.filter((pattern) => !names.has(pattern)), withheld };
  }
}
