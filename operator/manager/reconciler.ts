import { messageOf } from '../errors.ts';
import type { Log } from '../telemetry/log.ts';

/** A run that held up everything else for less than this, in ms, is followed by the next one at once. */
const LIGHT_MS = 2;
/** Of the time, as a divisor, that runs of the loop may take the processor from jobs and watches. */
const SHARE = 4;
const MAX_PAUSE_MS = 1000;

/** A timer counts from the begin of the event loop's turn (uv_update_time), which may be long before it is set: looks at the clock again. */
async function pauseUntil(end: number): Promise<void> {
  for (let left = end - performance.now(); left > 0; left = end - performance.now())
    await new Promise((resolve) => setTimeout(resolve, left));
}

/**
 * A level-triggered loop: any number of triggers while it runs make one more run. A storm of events uses a quarter of a core at most: what a run
 * does before it first waits for an answer is most of it, and is followed by a pause. The first after a pause starts at once.
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
      const run = this.#once();
      const busy = performance.now() - started;
      const ok = await run;
      this.#started = undefined;
      const took = performance.now() - started;
      this.#onRun(took / 1000, ok);
      failures = ok ? 0 : failures + 1;
      if (!ok) this.triggerAfter(Math.min(1000 * 2 ** (failures - 1), 30_000));
      if (busy > LIGHT_MS) await pauseUntil(started + Math.min(SHARE * busy, MAX_PAUSE_MS));
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
