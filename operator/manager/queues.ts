import { DelayedError, Queue, UnrecoverableError, Worker, type Job, type JobsOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { messageOf, OperatorError } from '../errors.ts';
import { ApiError } from '../kube/api-server.ts';
import type { Log } from '../telemetry/log.ts';
import type { RedisServer } from './redis.ts';

/** The work of one queue: a key says what to look at; what is wanted is read when the job runs. */
export type Handler = (key: string, signal: AbortSignal) => Promise<void>;

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

const opts = (key: string): JobsOptions => ({
  deduplication: { id: key, keepLastIfActive: true },
  attempts: ATTEMPTS,
  backoff: { type: 'custom' },
  removeOnComplete: true,
  removeOnFail: true,
});

/**
 * One BullMQ queue as a Kubernetes work queue: at most one running and one waiting job per key
 * (deduplication with keepLastIfActive), no job kept after its end, retries with capped back-off.
 */
export class WorkQueue {
  readonly name: string;
  readonly #adding: Redis;
  #queue: Queue | undefined;
  readonly #worker: Worker;
  readonly #connections: Redis[];
  readonly #log: Log;
  readonly #stop = new AbortController();

  constructor(options: QueueOptions) {
    this.name = options.name;
    this.#log = options.log.child({ queue: options.name });
    // Adding must fail at once while Redis is away: the reconcile loop comes again. A worker must wait (BullMQ demands null).
    const adding = options.redis.connect({ maxRetriesPerRequest: 1, enableOfflineQueue: false });
    const working = options.redis.connect({ maxRetriesPerRequest: null });
    this.#adding = adding;
    this.#connections = [adding, working];
    for (const connection of this.#connections)
      connection.on('error', (error) => this.#log.debug('Redis connection', { error: messageOf(error) }));
    this.#worker = new Worker(options.name, (job) => this.#run(job, options), {
      connection: working,
      prefix: PREFIX,
      concurrency: options.concurrency,
      // A job is a few requests; a worker that stalls is replaced within seconds.
      lockDuration: 15_000,
      stalledInterval: 5_000,
      maxStalledCount: ATTEMPTS,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      settings: { backoffStrategy: (attempt, _type, error) => backoffMs(attempt ?? 1, error) },
    });
    this.#worker.on('error', (error) => this.#log.debug('worker', { error: messageOf(error) }));
  }

  /** True while commands to Redis can be sent. */
  get connected(): boolean {
    return this.#connections.every((connection) => connection.status === 'ready');
  }

  /** Queues the keys; rejects at once when Redis cannot be reached. */
  async add(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await this.#ready().addBulk(keys.map((key) => ({ name: this.name, data: { key }, opts: opts(key) })));
  }

  /** Made when Redis answers for the first time: a Queue that is made before that keeps its first error for ever. */
  #ready(): Queue {
    if (this.#adding.status !== 'ready')
      throw new OperatorError(
        'RedisAway',
        `queue ${this.name}: Redis cannot be reached (${this.#adding.status})`,
      );
    if (!this.#queue) {
      this.#queue = new Queue(this.name, { connection: this.#adding, prefix: PREFIX });
      this.#queue.on('error', (error) => this.#log.debug('queue', { error: messageOf(error) }));
    }
    return this.#queue;
  }

  /** Ends within seconds: running jobs are told to stop, every connection is closed even when one step fails. */
  async close(): Promise<void> {
    this.#stop.abort();
    const bounded = Promise.race([
      this.#worker.close(),
      new Promise((resolve) => setTimeout(resolve, PAUSE_FOR_CLOSE_MS).unref()),
    ]);
    const results = await Promise.allSettled([bounded, this.#queue?.close()]);
    for (const result of results)
      if (result.status === 'rejected') this.#log.warn('close', { error: messageOf(result.reason) });
    for (const connection of this.#connections) connection.disconnect();
  }

  async #run(job: Job<{ key: string }>, options: QueueOptions): Promise<void> {
    const { key } = job.data;
    try {
      await options.handler(key, this.#stop.signal);
      options.onResult?.('completed');
    } catch (error) {
      if (error instanceof DelayedError) throw error;
      options.onResult?.('failed');
      if (this.#stop.signal.aborted) throw error;
      this.#log.warn('job failed', { key, attempt: job.attemptsMade + 1, error });
      // Repeating a request that the API server refuses for good cannot help; the next change or resync queues it again.
      if (error instanceof ApiError && error.terminal) throw new UnrecoverableError(messageOf(error));
      throw error;
    }
  }
}
