import { DelayedError, Queue, UnrecoverableError, Worker, type Job, type JobsOptions } from 'bullmq';
import { messageOf, OperatorError } from '../errors.ts';
import { ApiError } from '../kube/api-server.ts';
import { systemClock } from '../kube/clock.ts';
import type { Log } from '../telemetry/log.ts';
import { jobFence, LOCK_MS, Postponed, type Handler } from './job.ts';
import { LeaderNotes, NO_NOTES, type NodeNotes, type Notes } from './leader-notes.ts';
import type { RedisClient, RedisServer } from './redis.ts';

export interface QueueOptions {
  name: string;
  redis: RedisServer;
  handler: Handler;
  concurrency: number;
  log: Log;
  /** Called after each run; for metrics. */
  onResult?: (result: 'completed' | 'failed') => void;
}

/** Retries wait 0.2 s, 0.4 s ... at most 30 s, with full jitter below that; Retry-After wins. BullMQ's own has no cap. */
export function backoffMs(attempt: number, error: unknown): number {
  if (error instanceof ApiError && error.retryAfterMs !== undefined) return error.retryAfterMs;
  const cap = Math.min(200 * 2 ** (attempt - 1), 30_000);
  return Math.round(cap / 2 + Math.random() * (cap / 2));
}

const ATTEMPTS = 12;
/** All keys of a queue in one Redis Cluster slot. */
const PREFIX = '{sysctl-operator}';
const PAUSE_FOR_CLOSE_MS = 5_000;
const PAUSE_FOR_DISCONNECT_MS = 500;
const STALLED_INTERVAL_MS = 2_500;
/** Nobody waits longer than this for an answer of Redis. */
const ADD_MS = 1_000;

const opts = (key: string): JobsOptions => ({
  deduplication: { id: key, keepLastIfActive: true },
  attempts: ATTEMPTS,
  backoff: { type: 'custom' },
  removeOnComplete: true,
  removeOnFail: true,
});

const atMost = (ms: number, promise: Promise<unknown> | undefined): Promise<unknown> =>
  Promise.race([promise, new Promise((resolve) => setTimeout(resolve, ms).unref())]);

/**
 * One BullMQ queue as a Kubernetes work queue: at most one running and one waiting job per key
 * (deduplication with keepLastIfActive), no job kept after its end, retries with capped back-off.
 */
export class WorkQueue {
  readonly name: string;
  readonly #adding: RedisClient;
  readonly #working: RedisClient;
  #queue: Queue | undefined;
  readonly #worker: Worker;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #notes: LeaderNotes;
  readonly #waiting = new Set<string>();
  #latest = NO_NOTES;
  #sending: Promise<void> | undefined;

  constructor(options: QueueOptions) {
    this.name = options.name;
    this.#notes = new LeaderNotes(`${PREFIX}:${options.name}`);
    this.#log = options.log.child({ queue: options.name });
    // Adding must fail at once while Redis is away: the reconcile loop comes again. A worker must wait (BullMQ demands null).
    this.#adding = options.redis.connect({ maxRetriesPerRequest: 1, enableOfflineQueue: false });
    this.#working = options.redis.connect({ maxRetriesPerRequest: null });
    for (const connection of [this.#adding, this.#working])
      connection.on('error', (error) => this.#log.debug('Redis connection', { error: messageOf(error) }));
    this.#worker = new Worker(options.name, (job, token) => this.#run(job, token, options), {
      connection: this.#working,
      prefix: PREFIX,
      concurrency: options.concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_INTERVAL_MS,
      maxStalledCount: ATTEMPTS,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      settings: { backoffStrategy: (attempt, _type, error) => backoffMs(attempt ?? 1, error) },
    });
    this.#worker.on('error', (error) => this.#log.debug('worker', { error: messageOf(error) }));
  }

  /** True while commands to Redis can be sent. */
  get connected(): boolean {
    return [this.#adding, this.#working].every((connection) => connection.status === 'ready');
  }

  /** Resolves when Redis answers; rejects at once when it cannot be reached. */
  async ping(): Promise<void> {
    await this.#adding.ping();
  }

  /** What was written down beside the last work, whoever queued it; undefined where Redis cannot be asked or has nothing. */
  async lastNotes(): Promise<Notes | undefined> {
    const notes = this.#notes.last(this.#adding).catch(() => undefined);
    return (await atMost(ADD_MS, notes)) as Notes | undefined;
  }

  /**
   * Queues the keys, with what the jobs must know. Rejects at once when Redis cannot be reached, and after a second when it does
   * not answer: then what is under way goes on, and what is added meanwhile goes with the next command instead of piling up.
   */
  async add(keys: readonly string[], notes: Notes = NO_NOTES): Promise<void> {
    if (keys.length === 0) return;
    const queue = this.#ready();
    for (const key of keys) this.#waiting.add(key);
    this.#latest = notes;
    this.#sending ??= this.#send(queue).finally(() => (this.#sending = undefined));
    this.#sending.catch(() => {});
    const slow = new AbortController();
    await Promise.race([
      this.#sending,
      new Promise((_, reject) => {
        const error = new OperatorError(
          'RedisAway',
          `queue ${this.name}: Redis does not answer within a second`,
        );
        const timer = setTimeout(() => reject(error), ADD_MS);
        slow.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
      }),
    ]).finally(() => slow.abort());
  }

  async #send(queue: Queue): Promise<void> {
    try {
      while (this.#waiting.size > 0) {
        const keys = [...this.#waiting];
        this.#waiting.clear();
        const jobs = keys.map((key) => ({ name: this.name, data: { key }, opts: opts(key) }));
        await this.#notes.write(this.#adding, this.#latest);
        await queue.addBulk(jobs);
      }
    } catch (error) {
      this.#waiting.clear();
      throw error;
    }
  }

  /** Made when Redis answers, and made again when it could not begin: a Queue keeps the first error that it meets for ever. */
  #ready(): Queue {
    if (this.#adding.status !== 'ready')
      throw new OperatorError(
        'RedisAway',
        `queue ${this.name}: Redis cannot be reached (${this.#adding.status})`,
      );
    return (this.#queue ??= this.#begin());
  }

  #begin(): Queue {
    const queue = new Queue(this.name, { connection: this.#adding, prefix: PREFIX });
    queue.on('error', (error) => this.#log.debug('queue', { error: messageOf(error) }));
    queue.waitUntilReady().catch(() => {
      if (this.#queue === queue) this.#queue = undefined;
      // It has listeners on the connection.
      void queue.close().catch(() => {});
    });
    return queue;
  }

  /** Ends within seconds: running jobs are told to stop, every connection is closed even when one step fails. */
  async close(): Promise<void> {
    this.#stop.abort();
    const results = await Promise.allSettled([
      atMost(PAUSE_FOR_CLOSE_MS, this.#worker.close()),
      atMost(PAUSE_FOR_CLOSE_MS, this.#queue?.close()),
    ]);
    for (const connection of [this.#adding, this.#working]) connection.disconnect();
    // The worker has a connection of its own for waiting; while Redis is away, close does not come to it.
    results.push(...(await Promise.allSettled([atMost(PAUSE_FOR_DISCONNECT_MS, this.#worker.disconnect())])));
    for (const result of results)
      if (result.status === 'rejected') this.#log.debug('close', { error: messageOf(result.reason) });
  }

  async #run(job: Job<{ key: string }>, token: string | undefined, options: QueueOptions): Promise<void> {
    const { key } = job.data;
    // processedOn is when this worker asked for the job; the answer may have waited in a socket while the process was stopped.
    const taken = { ...systemClock(), wall: job.processedOn ?? 0 };
    const fence = jobFence(key, taken);
    try {
      const notes = (): Promise<NodeNotes> => this.#notes.ofNode(this.#working, key);
      await options.handler(key, { notes, fence, signal: this.#stop.signal });
      options.onResult?.('completed');
    } catch (error) {
      if (error instanceof Postponed) {
        await job.moveToDelayed(Date.now() + error.ms, token);
        throw new DelayedError();
      }
      options.onResult?.('failed');
      if (this.#stop.signal.aborted) throw error;
      this.#log.warn('job failed', { key, attempt: job.attemptsMade + 1, error });
      // Repeating a request that the API server refuses for good cannot help; the next change or resync queues it again.
      if (error instanceof ApiError && error.terminal) throw new UnrecoverableError(messageOf(error));
      throw error;
    }
  }
}
