import type { Handler } from '../../../operator/manager/job.ts';
import type { Notes } from '../../../operator/manager/leader-notes.ts';
import { WorkQueue } from '../../../operator/manager/queues.ts';
import { winstonLog } from '../../../operator/telemetry/winston-log.ts';
import type { TestRedis } from './redis.ts';
import { until } from './until.ts';

/** Queues of replicas on one Redis, closed together. */
export class Replicas {
  readonly #redis: TestRedis;
  readonly #queues: WorkQueue[] = [];

  constructor(redis: TestRedis) {
    this.#redis = redis;
  }

  /** A replica's queue; the handler is what its worker does. */
  add(
    handler: Handler,
    concurrency = 8,
    onResult: (result: 'completed' | 'failed') => void = () => {},
  ): WorkQueue {
    const queue = new WorkQueue({
      name: 'node-config',
      redis: this.#redis.server,
      handler,
      concurrency,
      onResult,
      log: winstonLog('error'),
    });
    this.#queues.push(queue);
    return queue;
  }

  async close(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.close()));
  }
}

/** As the reconcile loop does: again and again until Redis takes it. */
export const untilTaken = (queue: WorkQueue, keys: readonly string[], notes?: Notes): Promise<void> =>
  until(
    () =>
      queue.add(keys, notes).then(
        () => true,
        () => false,
      ),
    'the queue takes the work',
  );
