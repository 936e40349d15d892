import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../../operator/kube/api-server.ts';
import { Postponed } from '../../operator/manager/job.ts';
import type { WorkQueue } from '../../operator/manager/queues.ts';
import { TestRedis } from './support/redis.ts';
import { Replicas, untilTaken } from './support/replicas.ts';
import { until } from './support/until.ts';

let redis: TestRedis;
let replicas: Replicas;

beforeEach(async () => {
  redis = await TestRedis.start();
  replicas = new Replicas(redis);
});
afterEach(async () => {
  redis.resume();
  await replicas.close();
  await redis.close();
});

const replica: Replicas['add'] = (...args) => replicas.add(...args);
const add = (queue: WorkQueue, ...keys: string[]): Promise<void> => untilTaken(queue, keys);

/** What the fence says: undefined, or the code of its error. */
const ask = (fence: () => void): unknown => {
  try {
    return fence();
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

const keysLeft = async (): Promise<string[]> => {
  const keys = (await redis.command('KEYS', '*node-config:*')) as string[];
  return keys.filter((key) => !/:(meta|events|stalled-check|id|marker|view|grants)$/.test(key));
};

describe('one key', () => {
  test('is worked on once at a time, and once more for everything that was added meanwhile', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const handler = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await sleep(100);
      running--;
      runs++;
    };
    const [one, other] = [replica(handler), replica(handler)];
    await add(one, 'node-1');
    await until(() => running === 1, 'the first run');
    for (let i = 0; i < 20; i++) await add(i % 2 ? one : other, 'node-1');
    await until(() => runs === 2, 'the second run');
    await sleep(300);
    expect({ most, runs }).toEqual({ most: 1, runs: 2 });
    expect(await keysLeft()).toEqual([]);
  });

  test('that fails is tried again; one that the API server refuses for good is not', async () => {
    const runs: Record<string, number> = {};
    const queue = replica(async (key) => {
      runs[key] = (runs[key] ?? 0) + 1;
      if (key === 'refused')
        throw new ApiError({ method: 'PATCH', path: '/x' }, 403, { reason: 'Forbidden' });
      if (runs[key] < 3) throw new Error('connect ECONNREFUSED');
    });
    await add(queue, 'flaky', 'refused');
    await until(() => runs['flaky'] === 3, 'the third try');
    await sleep(300);
    expect(runs).toEqual({ flaky: 3, refused: 1 });
    await add(queue, 'refused');
    await until(() => runs['refused'] === 2, 'a try after it was added again');
  });

  test('leaves nothing behind in Redis, however often it was worked on', async () => {
    let runs = 0;
    const queue = replica(async () => void runs++);
    for (let i = 1; i <= 50; i++) {
      await add(queue, ...Array.from({ length: 20 }, (_, n) => `node-${n}`));
      await until(() => runs === i * 20, 'all nodes');
    }
    await sleep(100);
    expect(await keysLeft()).toEqual([]);
    expect(Number(await redis.command('XLEN', '{sysctl-operator}:node-config:events'))).toBeLessThanOrEqual(
      11_000,
    );
  });
});

describe('a job', () => {
  test('that cannot be done yet is done later, however often, and is no failure', async () => {
    let runs = 0;
    const results: string[] = [];
    const queue = replica(
      async () => {
        if (++runs < 20) throw new Postponed(10);
      },
      1,
      (result) => results.push(result),
    );
    await add(queue, 'node-1');
    await until(() => results.length > 0, 'the job');
    expect({ runs, results }).toEqual({ runs: 20, results: ['completed'] });
    await until(async () => (await keysLeft()).length === 0, 'nothing left in Redis');
  });

  test('that took too long may not write any more, and is done by somebody else', async () => {
    const began = performance.now();
    const before: unknown[] = [];
    const after: unknown[] = [];
    const queue = replica(async (_, { fence }) => {
      if (before.push(ask(fence)) > 1) return;
      jest.spyOn(performance, 'now').mockReturnValue(began + 7_000);
      after.push(ask(fence));
      jest.restoreAllMocks();
      // The wall clock knows of what the other one cannot: that the machine was suspended.
      const now = Date.now();
      jest.spyOn(Date, 'now').mockReturnValue(now + 7_000);
      after.push(ask(fence));
      jest.restoreAllMocks();
      fence();
      throw new Error('again');
    });
    await add(queue, 'node-1');
    await until(() => before.length === 2, 'the second run');
    expect({ before, after }).toEqual({ before: [undefined, undefined], after: ['Fenced', 'Fenced'] });
  });
});

describe('a Redis that', () => {
  const outages: [string, () => Promise<unknown>][] = [
    [
      'is killed and comes back empty',
      async () => {
        await redis.down();
        await sleep(300);
        await redis.up();
      },
    ],
    ['is emptied', () => redis.command('FLUSHALL')],
    [
      'stops answering for two seconds',
      async () => {
        redis.pause();
        await sleep(2000);
        redis.resume();
      },
    ],
  ];

  test.each(outages)('%s in the middle of work: it goes on within seconds', async (_, outage) => {
    const done = new Set<string>();
    const queue = replica(async (key) => {
      await sleep(20);
      done.add(key);
    }, 2);
    await add(queue, ...Array.from({ length: 100 }, (__, i) => `before-${i}`));
    await until(() => done.size > 10, 'the first work');
    await outage();
    await add(queue, 'after');
    await until(() => done.has('after'), 'the work after it');
    // What was lost is queued again by the next reconcile; here by hand.
    await add(
      queue,
      ...Array.from({ length: 100 }, (__, i) => `before-${i}`).filter((key) => !done.has(key)),
    );
    await until(() => done.size === 101, 'all work');
    expect(queue.connected).toBe(true);
  });

  test('is not there yet takes nothing, says so at once, and works once it is there', async () => {
    await redis.down();
    const done: string[] = [];
    const queue = replica(async (key) => void done.push(key));
    const started = performance.now();
    await expect(queue.add(['node-1'])).rejects.toThrow('queue node-config: Redis cannot be reached');
    expect(performance.now() - started).toBeLessThan(1000);
    expect(queue.connected).toBe(false);
    await redis.up();
    await add(queue, 'node-1');
    await until(() => done.length === 1, 'the work');
    expect(queue.connected).toBe(true);
  });

  test('answers late keeps nobody waiting for it, and is given everything that was added meanwhile', async () => {
    const done: string[] = [];
    const queue = replica(async (key) => void done.push(key));
    await add(queue, 'before');
    await until(() => done.length === 1, 'the first work');
    redis.pause();
    for (const key of ['a', 'b', 'c'])
      await expect(queue.add([key])).rejects.toThrow(
        'queue node-config: Redis does not answer within a second',
      );
    redis.resume();
    await until(() => done.length === 4, 'the work');
    expect(done.toSorted()).toEqual(['a', 'b', 'before', 'c']);
  });

  test('does not answer does not keep a manager from ending', async () => {
    const queue = replica((_, { signal }) => sleep(60_000, undefined, { signal }).catch(() => {}));
    await add(queue, 'node-1');
    redis.pause();
    const started = performance.now();
    await queue.close();
    expect(performance.now() - started).toBeLessThan(8000);
  });
});

test('a job that is running when its manager ends is told to stop, and is done by another replica', async () => {
  const stopped: string[] = [];
  const first = replica(async (key, { signal }) => {
    await sleep(60_000, undefined, { signal }).catch(() => {});
    stopped.push(key);
    throw new Error('stopped');
  });
  await add(first, 'node-1');
  await sleep(200);
  const done: string[] = [];
  replica(async (key) => void done.push(key));
  await first.close();
  expect(stopped).toEqual(['node-1']);
  await until(() => done.length === 1, 'the other replica', 30_000);
});
