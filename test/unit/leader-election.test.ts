import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiServer } from '../../operator/kube/api-server.ts';
import { LeaderElector, type LeaderElectionOptions } from '../../operator/kube/leader-election.ts';
import { recordingLog, until } from './support/agent-fakes.ts';
import { MemoryLeases } from './support/memory-leases.ts';

const LEASE_MS = 200;

interface Replica {
  stop: AbortController;
  leads: boolean;
  terms: number;
  ended: Promise<void>;
}

describe('leader election', () => {
  let leases: MemoryLeases;
  let replicas: Replica[];
  let both: number;
  beforeEach(() => {
    leases = new MemoryLeases();
    replicas = [];
    both = 0;
  });
  afterEach(async () => {
    for (const { stop } of replicas) stop.abort();
    await Promise.all(replicas.map((r) => r.ended));
  });

  const join = (
    identity: string,
    api: ApiServer = leases.client(),
    more: Partial<LeaderElectionOptions> = {},
  ): Replica => {
    const stop = new AbortController();
    const elector = new LeaderElector({
      api,
      path: '/leases',
      name: 'operator',
      namespace: 'system',
      identity,
      log: recordingLog(),
      leaseMs: LEASE_MS,
      renewDeadlineMs: 120,
      retryMs: 15,
      ...more,
    });
    const replica: Replica = { stop, leads: false, terms: 0, ended: Promise.resolve() };
    replica.ended = elector.run(stop.signal, async (leading) => {
      replica.leads = true;
      replica.terms++;
      both = Math.max(both, replicas.filter((r) => r.leads).length);
      await new Promise<void>((resolve) =>
        leading.addEventListener('abort', () => resolve(), { once: true }),
      );
      replica.leads = false;
    });
    replicas.push(replica);
    return replica;
  };

  test('a replica alone makes the lease, leads and renews it', async () => {
    const a = join('a');
    await until(() => leases.writers.length >= 3);
    expect(a).toMatchObject({ leads: true, terms: 1 });
    expect(new Set(leases.writers)).toEqual(new Set(['a']));
    expect(leases.lease?.spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 1 });
    expect(leases.lease?.spec.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test('of many that start at once one leads, as long as it renews', async () => {
    for (const name of ['a', 'b', 'c', 'd']) join(name);
    await until(() => replicas.some((r) => r.leads));
    await sleep(2 * LEASE_MS);
    expect(replicas.map((r) => r.terms).toSorted((x, y) => x - y)).toEqual([0, 0, 0, 1]);
    expect(new Set(leases.writers).size).toBe(1);
  });

  test('the next one need not wait for a replica that ends', async () => {
    const a = join('a');
    await until(() => a.leads);
    const b = join('b');
    await sleep(30);
    const began = performance.now();
    a.stop.abort();
    await until(() => b.leads);
    expect(performance.now() - began).toBeLessThan(LEASE_MS / 2);
    expect(leases.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 2 });
    expect(both).toBe(1);
  });

  test('a replica that is cut off stops before another one leads, and leads again later', async () => {
    let cut = false;
    const a = join(
      'a',
      leases.client(() => {
        if (cut) throw new Error('connect ETIMEDOUT');
      }),
    );
    await until(() => a.leads);
    const b = join('b');
    await sleep(40);
    cut = true;
    await until(() => !a.leads);
    expect(b.leads).toBe(false);
    await until(() => b.leads);
    cut = false;
    b.stop.abort();
    await until(() => a.leads);
    expect(both).toBe(1);
  });

  test('a replica whose requests hang stops too', async () => {
    let hang = false;
    const a = join(
      'a',
      leases.client(({ signal }) =>
        hang
          ? new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))))
          : undefined,
      ),
    );
    await until(() => a.leads);
    hang = true;
    const began = performance.now();
    await until(() => !a.leads);
    expect(performance.now() - began).toBeLessThan(LEASE_MS);
    a.stop.abort();
  });

  test("a lease is not expired because its holder's clock is wrong", async () => {
    const a = join('a');
    await until(() => a.leads);
    const b = join(
      'b',
      leases.client(() => {
        if (leases.lease) leases.lease.spec.renewTime = '1970-01-01T00:00:00.000000Z';
      }),
    );
    await sleep(LEASE_MS);
    expect(b.terms).toBe(0);
  });

  test('a single failed renewal does not end a term', async () => {
    let fail = 0;
    const a = join(
      'a',
      leases.client(({ method }) => {
        if (method === 'PUT' && fail-- > 0) throw new Error('connect ECONNREFUSED');
      }),
    );
    await until(() => a.leads);
    fail = 2;
    const before = leases.writers.length;
    await until(() => leases.writers.length > before + 1);
    expect(a.terms).toBe(1);
  });

  // The lease counts from its write. Where the answer to that write comes late, the term must not start its clock then.
  test('a slow answer to the first write does not lengthen the term', async () => {
    let now = 0;
    let written: number | undefined;
    const api = leases.client(({ method }) => {
      if (written !== undefined) {
        now += 1000;
        throw new Error('connect ETIMEDOUT');
      }
      if (method === 'GET') return;
      written = now;
      now += 12_000;
    });
    const limits = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 1, now: () => now };
    const a = join('a', api, limits);
    await until(() => a.terms === 1);
    await until(() => !a.leads);
    const lost = now;
    a.stop.abort();
    expect(lost - (written ?? 0)).toBeLessThanOrEqual(15_000);
  });
});
