import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiRequest, ApiServer } from '../../operator/kube/api-server.ts';
import { LeaderElector, type LeaderElectionOptions, type Term } from '../../operator/kube/leader-election.ts';
import { recordingLog, until } from './support/agent-fakes.ts';
import { MemoryLeases } from './support/memory-leases.ts';

const LEASE_MS = 300;

interface Replica {
  stop: AbortController;
  leads: boolean;
  terms: Term[];
  tried: Promise<void>;
  ended: Promise<void>;
}

const mayWrite = ({ fence }: Term): boolean => {
  try {
    fence();
    return true;
  } catch {
    return false;
  }
};

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
      ...more,
    });
    const replica: Replica = {
      stop,
      leads: false,
      terms: [],
      tried: elector.tried,
      ended: Promise.resolve(),
    };
    replica.ended = elector.run(stop.signal, async (term) => {
      replica.leads = true;
      replica.terms.push(term);
      both = Math.max(both, replicas.filter((r) => r.leads).length);
      await new Promise<void>((resolve) =>
        term.signal.addEventListener('abort', () => resolve(), { once: true }),
      );
      replica.leads = false;
    });
    replicas.push(replica);
    return replica;
  };
  /** What a replica asked of the server, as METHODs. */
  const counting = (asked: string[]): ApiServer =>
    leases.client(({ method }: ApiRequest) => void asked.push(method));

  test('a replica alone makes the lease, leads and renews it with one request each time', async () => {
    const asked: string[] = [];
    const a = join('a', counting(asked));
    await until(() => leases.writers.length >= 4);
    expect(a.leads).toBe(true);
    expect(a.terms.length).toBe(1);
    expect(asked.slice(0, 5)).toEqual(['GET', 'POST', 'PUT', 'PUT', 'PUT']);
    expect(leases.lease?.spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 1 });
    expect(leases.lease?.spec.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test('of many that start at once one leads, as long as it renews', async () => {
    for (const name of ['a', 'b', 'c', 'd']) join(name);
    await until(() => replicas.some((r) => r.leads));
    await sleep(2 * LEASE_MS);
    expect(replicas.map((r) => r.terms.length).toSorted((x, y) => x - y)).toEqual([0, 0, 0, 1]);
    expect(new Set(leases.writers).size).toBe(1);
  });

  test('a candidate asks for the lease once and then only watches it', async () => {
    join('a');
    await until(() => replicas.every((r) => r.leads));
    const asked: string[] = [];
    const b = join('b', counting(asked));
    await b.tried;
    const before = leases.writers.length;
    await until(() => leases.writers.length >= before + 4);
    // A read, and the watch, which lists first.
    expect(asked).toEqual(['GET', 'GET', 'GET']);
    expect(b.terms).toEqual([]);
  });

  test('the next one need not wait for a replica that ends', async () => {
    const a = join('a');
    await until(() => a.leads);
    const b = join('b');
    await b.tried;
    await sleep(150);
    const began = performance.now();
    a.stop.abort();
    await until(() => b.leads);
    expect(performance.now() - began).toBeLessThan(LEASE_MS / 2);
    expect(leases.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 2 });
    expect(both).toBe(1);
  });

  test('a lease that was deleted is free at once, and its holder finds out', async () => {
    const a = join('a');
    await until(() => a.leads);
    const b = join('b');
    await b.tried;
    await sleep(150);
    leases.delete();
    await until(() => b.leads);
    await until(() => !a.leads);
    expect(a.terms.length).toBe(1);
  });

  test('somebody who edits the lease does not end the term, only who takes it does', async () => {
    const a = join('a');
    await until(() => a.leads);
    leases.edit({ leaseDurationSeconds: 99 });
    await until(() => leases.lease?.spec.leaseDurationSeconds === 1);
    expect(a.terms.length).toBe(1);
    leases.edit({ holderIdentity: 'somebody' });
    await until(() => !a.leads);
    expect(a.terms.map(mayWrite)).toEqual([false]);
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
    await b.tried;
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

  test('a candidate whose watch is deaf does not take what is being renewed', async () => {
    const a = join('a');
    await until(() => a.leads);
    const deaf: ApiServer = {
      request: (request) => leases.client().request(request),
      // oxlint-disable-next-line require-yield
      async *watch(_path, _query, signal) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      },
    };
    const b = join('b', deaf);
    await sleep(3 * LEASE_MS);
    expect(b.terms).toEqual([]);
    expect(a.terms.length).toBe(1);
    a.stop.abort();
    await until(() => b.leads);
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
    expect(b.terms).toEqual([]);
  });

  test('a single failed renewal does not end a term, also when it was written all the same', async () => {
    let fail = 0;
    const api = leases.client();
    const a = join('a', {
      ...api,
      request: async <T>(request: ApiRequest): Promise<T> => {
        if (request.method !== 'PUT' || fail-- <= 0) return api.request<T>(request);
        if (fail % 2) await api.request(request);
        throw new Error('read ECONNRESET');
      },
    });
    await until(() => a.leads);
    fail = 2;
    await until(() => fail <= 0);
    const before = leases.writers.length;
    await until(() => leases.writers.length > before + 1);
    expect(a.terms.length).toBe(1);
  });

  // The lease counts from its write. Where the answer to that write comes late, the term must not start its clock then.
  test('a slow answer to the first write does not lengthen the term', async () => {
    let ms = 0;
    let written: number | undefined;
    const api = leases.client(({ method }) => {
      if (written !== undefined) {
        ms += 30;
        throw new Error('connect ETIMEDOUT');
      }
      if (method === 'GET') return;
      written = ms;
      ms += 150;
    });
    const a = join('a', api, { clock: () => ({ monotonic: ms, wall: ms }) });
    await until(() => a.terms.length === 1);
    let lost = Infinity;
    a.terms[0]?.signal.addEventListener('abort', () => (lost = ms));
    await until(() => !a.leads);
    a.stop.abort();
    expect(lost - (written ?? 0)).toBeLessThan(LEASE_MS);
  });

  // Timers do not run while a process is stopped, and when it goes on what the network has ready is done before them.
  test.each(['monotonic', 'wall'] as const)(
    'the fence is down as soon as the %s clock says so, before any timer has fired',
    async (jumps) => {
      const now = { monotonic: 0, wall: 0 };
      const a = join('a', leases.client(), { clock: () => ({ ...now }) });
      await until(() => a.leads);
      const term = a.terms[0] as Term;
      expect(mayWrite(term)).toBe(true);
      now[jumps] += (20 / 30) * LEASE_MS;
      expect(a.leads).toBe(true);
      expect(() => term.fence()).toThrow('a does not lead any more: nothing is written');
    },
  );
});
