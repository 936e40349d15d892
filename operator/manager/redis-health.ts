import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { Log } from '../telemetry/log.ts';

export interface RedisHealthOptions {
  /** Resolves when Redis answers; rejects when it cannot be reached. */
  ping: () => Promise<void>;
  /** Called once when an outage has lasted for a while, and once when that is over. */
  onChange: (up: boolean) => void;
  log: Log;
  /** How often it is asked, in ms. */
  everyMs?: number;
  /** A slow Redis is none that is away; one that says nothing for so long, in ms, is. */
  answerMs?: number;
  /** An outage is told of after so many ms: what is over sooner nobody needs to know. */
  tellMs?: number;
}

/**
 * Whether Redis answers, by a PING every two seconds: a connection can be open for minutes to a server that does not. Tells of each
 * outage once.
 */
export class RedisHealth {
  readonly #o: Required<RedisHealthOptions>;
  #up = false;
  #toldDown = false;
  #failingSince: number | undefined;
  #asking: Promise<void> | undefined;

  constructor(options: RedisHealthOptions) {
    this.#o = { everyMs: 2_000, answerMs: 5_000, tellMs: 5_000, ...options };
  }

  get up(): boolean {
    return this.#up;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#heard(await this.#ask());
      // More often while it is away, so that a manager is ready as soon as it is.
      const ms = this.#up ? this.#o.everyMs : this.#o.everyMs / 8;
      await sleep(ms, undefined, { signal }).catch(() => {});
    }
  }

  /** What is wrong, if anything. A question that was not answered is not asked again beside itself. */
  async #ask(): Promise<string | undefined> {
    this.#asking ??= this.#o.ping().finally(() => (this.#asking = undefined));
    const end = new AbortController();
    const late = sleep(this.#o.answerMs, `no answer within ${this.#o.answerMs / 1000} s`, {
      signal: end.signal,
    }).catch(() => undefined);
    try {
      return (await Promise.race([this.#asking.then(() => undefined), late])) ?? undefined;
    } catch (error) {
      return messageOf(error);
    } finally {
      end.abort();
    }
  }

  #heard(problem: string | undefined): void {
    this.#up = problem === undefined;
    const now = performance.now();
    this.#failingSince = this.#up ? undefined : (this.#failingSince ?? now);
    const outage = this.#failingSince !== undefined && now - this.#failingSince >= this.#o.tellMs;
    if (outage && !this.#toldDown) {
      this.#toldDown = true;
      this.#o.log.error('Redis is away: no work is done; agents go on enforcing', { error: problem });
      this.#o.onChange(false);
    } else if (this.#up && this.#toldDown) {
      this.#toldDown = false;
      this.#o.log.info('Redis is back: work goes on');
      this.#o.onChange(true);
    }
  }
}
