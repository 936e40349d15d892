import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
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
  await replicas.close();
  await redis.close();
});

const grant = (queue: WorkQueue, node: string, grants: Record<string, string>): Promise<void> =>
  untilTaken(queue, [node], { view: {}, grants: new Map(Object.entries(grants)) });

describe('a job', () => {
  test('is told the newest view that work was found in, also where it waited with an older one', async () => {
    const seen: unknown[] = [];
    const first = Promise.withResolvers<void>();
    const queue = replicas.add(async (key, { notes }) => {
      seen.push([key, (await notes()).view]);
      if (key === 'first') await first.promise;
    }, 1);
    const found = (key: string, profiles: string): Promise<void> =>
      untilTaken(queue, [key], { view: { profiles }, grants: new Map() });
    await found('first', '7');
    await until(() => seen.length === 1, 'the first job');
    await found('second', '8');
    await found('second', '9');
    first.resolve();
    await until(() => seen.length === 2, 'the second job');
    expect(seen).toEqual([
      ['first', { profiles: '7' }],
      ['second', { profiles: '9' }],
    ]);
  });

  test('is told what its own node was granted, also by a Redis that has lost what was written before', async () => {
    const seen: unknown[] = [];
    const queue = replicas.add(async (key, { notes }) => void seen.push([key, (await notes()).grant]));
    await grant(queue, 'a', { a: 'sysctl-1', b: 'sysctl-2' });
    await until(() => seen.length === 1, 'the first job');
    await grant(queue, 'b', { b: 'sysctl-3', c: 'sysctl-3' });
    await until(() => seen.length === 2, 'another job');
    await grant(queue, 'a', { b: 'sysctl-3', c: 'sysctl-3' });
    await until(() => seen.length === 3, 'a job without a grant');
    expect(seen).toEqual([
      ['a', 'sysctl-1'],
      ['b', 'sysctl-3'],
      ['a', undefined],
    ]);
    await redis.command('FLUSHALL');
    const granted = { b: 'sysctl-3', c: 'sysctl-3', d: 'sysctl-4' };
    await grant(queue, 'd', granted);
    const other = replicas.add(async () => {});
    await until(() => other.connected, 'the other replica connects');
    expect((await other.lastNotes())?.grants).toEqual(new Map(Object.entries(granted)));
  });

  test('is told what its own node was granted, whatever was granted while that was written, and by whom', async () => {
    const seen: unknown[] = [];
    const one = replicas.add(async (_, { notes }) => void seen.push((await notes()).grant));
    const other = replicas.add(async (_, { notes }) => void seen.push((await notes()).grant));
    await until(() => one.connected && other.connected, 'the replicas connect');
    const grants = new Map([['a', 'sysctl-1']]);
    const sending = one.add(['a'], { view: {}, grants });
    grants.set('a', 'sysctl-2');
    await sending;
    await until(() => seen.length > 0, 'the first job');
    await one.add(['a'], { view: {}, grants });
    await until(() => seen.at(-1) === 'sysctl-2', 'what was granted meanwhile');
    await grant(other, 'a', { a: 'sysctl-3' });
    await until(() => seen.at(-1) === 'sysctl-3', 'what another leader grants');
    await one.add(['a'], { view: {}, grants });
    await until(() => seen.at(-1) === 'sysctl-2', 'what the first one grants again');
    expect(new Set(seen)).toEqual(new Set(['sysctl-1', 'sysctl-2', 'sysctl-3']));
  });
});
