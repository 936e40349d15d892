import { messageOf } from '../errors.ts';
import type { Log } from '../telemetry/log.ts';

/**
 * A level-triggered loop: any number of triggers while it runs make one more run. Runs do not follow each other faster
 * than they take, so that a storm of events uses half a core at most; the first after a pause starts at once.
 */
export class ReconcileLoop {
  readonly #work: () => Promise<void>;
  readonly #log: Log;
  readonly #onRun: (seconds: number, ok: boolean) => void;
  #dirty = false;
  #wake: (() => void) | undefined;
  #timer: { at: number; timeout: NodeJS.Timeout } | undefined;
  /** performance.now() at the start of the run that is under way; undefined between runs. */
  #started: number | undefined;

  constructor(work: () => Promise<void>, log: Log, onRun: (seconds: number, ok: boolean) => void) {
    this.#work = work;
    this.#log = log;
    this.#onRun = onRun;
  }

  /** For how long the run that is under way has been going, in ms; 0 between runs. */
  get runningMs(): number {
    return this.#started === undefined ? 0 : performance.now() - this.#started;
  }

  trigger(): void {
    this.#dirty = true;
    this.#wake?.();
  }

  /** Triggers after `ms`, unless an earlier one is set already. */
  triggerAfter(ms: number): void {
    const at = performance.now() + ms;
    if (this.#timer && this.#timer.at <= at) return;
    this.#cancel();
    const timeout = setTimeout(() => {
      this.#timer = undefined;
      this.trigger();
    }, ms).unref();
    this.#timer = { at, timeout };
  }

  #cancel(): void {
    clearTimeout(this.#timer?.timeout);
    this.#timer = undefined;
  }

  async run(signal: AbortSignal): Promise<void> {
    const wake = (): void => this.#wake?.();
    signal.addEventListener('abort', wake);
    let failures = 0;
    while (!signal.aborted) {
      if (!this.#dirty) await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
      if (signal.aborted) break;
      this.#dirty = false;
      const started = performance.now();
      this.#started = started;
      const ok = await this.#once();
      this.#started = undefined;
      const took = performance.now() - started;
      this.#onRun(took / 1000, ok);
      failures = ok ? 0 : failures + 1;
      if (!ok) this.triggerAfter(Math.min(1000 * 2 ** (failures - 1), 30_000));
      if (took > 5) await new Promise((resolve) => setTimeout(resolve, Math.min(took, 1000)));
    }
    signal.removeEventListener('abort', wake);
    this.#cancel();
  }

  async #once(): Promise<boolean> {
    try {
      await this.#work();
      return true;
    } catch (error) {
      this.#log.error(`reconcile failed: ${messageOf(error)}`, { error });
      return false;
    }
  }
}
