/**
 * Several managers on one API server and one Redis, while a profile is edited all the time: whatever happens to one of them, one
 * decides, all work, and no node is told anything older than what it was told before.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SysctlProfile } from '../../operator/api/profile.ts';
import { freePort } from '../queues/support/servers.ts';
import { TestRedis } from '../queues/support/redis.ts';
import type { Audited, TestApiServer } from './support/api-server.ts';
import { patch } from './support/calls.ts';
import { installed } from './support/installation.ts';
import { PlayedNodes } from './support/played-nodes.ts';
import { createProfile, PROFILES } from './support/profiles.ts';
import { isLeaders, Replicas, sender, type Replica } from './support/replicas.ts';
import { NAMESPACE } from './support/service-accounts.ts';
import { until as untilOf } from './support/wait.ts';

/** Short, so that many terms fit into a test; the shares of it are those of the 30 s of an installation. */
const LEASE_SECONDS = 6;
const JOB_LOCK_MS = 10_000;

let server: TestApiServer;
let redis: TestRedis;
let nodes: PlayedNodes;
let replicas: Replicas;

/** Edits the profile so often that the leader is always in the middle of something; each value is higher than the one before. */
class Editor {
  value = 1000;
  #running: Promise<void> | undefined;
  #stop = false;

  start(): void {
    this.#stop = false;
    this.#running = this.#run();
  }

  async stop(): Promise<number> {
    this.#stop = true;
    await this.#running;
    return this.value;
  }

  async #run(): Promise<void> {
    while (!this.#stop) {
      const sysctls = [{ name: 'net.core.somaxconn', scope: 'Node', value: ++this.value }];
      await server.admin.must(patch(`${PROFILES}/search`, { spec: { sysctls } }));
      await sleep(20);
    }
  }
}
const editor = new Editor();

const until = (what: string, check: () => Promise<boolean>): Promise<void> =>
  untilOf(what, check, () => replicas.logs());
const another = async (than: Replica): Promise<Replica> => {
  let next: Replica | undefined;
  await until(`another leader than ${than.name}`, async () => {
    next = await replicas.leader();
    return next !== undefined && next !== than;
  });
  return next as Replica;
};
const leader = async (): Promise<Replica> => {
  let found: Replica | undefined;
  await until('a leader', async () => (found = await replicas.leader()) !== undefined);
  return found as Replica;
};
const leadersWrites = async (): Promise<Audited[]> => (await server.audit()).filter(isLeaders);
/** Resolves when the replica has decided something. */
const decides = (replica: Replica): Promise<void> =>
  until(`${replica.name} decides`, async () =>
    (await leadersWrites()).some((w) => sender(w) === replica.name),
  );
const isReady = async (): Promise<boolean> => {
  const { status, metadata } = (await server.admin.must({
    path: `${PROFILES}/search`,
  })) as unknown as SysctlProfile;
  const ready = status?.conditions?.find((c) => c.type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === metadata.generation;
};

/** The pods that have decided, in the order of the server's log, each once for every time that it took over from another. */
const reigns = (writes: readonly Audited[]): (string | undefined)[] =>
  writes
    .toSorted((a, b) => a.requestReceivedTimestamp.localeCompare(b.requestReceivedTimestamp))
    .map(sender)
    .filter((pod, i, all) => pod !== all[i - 1]);

/** What nodes were told that is older than, or the same as, what they had been told before. */
const older = (): string[] =>
  nodes.names.flatMap((name) => {
    const told = nodes.told(name);
    return told.flatMap((value, i) =>
      i > 0 && value <= (told[i - 1] ?? 0) ? [`${name}: ${told[i - 1]}, then ${value}`] : [],
    );
  });

beforeAll(async () => {
  [server, redis] = await Promise.all([installed(), TestRedis.start()]);
  nodes = await PlayedNodes.make(server, 6);
  replicas = await Replicas.make(server, {
    REDIS_URL: redis.url,
    LEASE_DURATION_SECONDS: String(LEASE_SECONDS),
    CONCURRENCY: '1',
  });
  const spec = `nodeSelector: {}\nrollout: {maxUnavailable: "100%"}\nsysctls: [{name: net.core.somaxconn, scope: Node, value: 1000}]`;
  await createProfile(server.admin, 'search', spec);
  for (let i = 0; i < 3; i++) await replicas.start(await freePort());
  await until('every node has the profile', async () => nodes.allAt(1000));
}, 180_000);
afterAll(async () => {
  await editor.stop();
  await replicas?.close();
  await nodes?.close();
  await redis?.close();
  await server?.close();
});

test('one decides, all of them work', async () => {
  editor.start();
  await until('all replicas have worked', async () => replicas.all.every(({ jobs }) => jobs > 5));
  await editor.stop();
  expect(reigns(await leadersWrites())).toHaveLength(1);
});

test('a leader that stood still for longer than its lease decides nothing any more when it goes on', async () => {
  editor.start();
  for (let round = 0; round < 4; round++) {
    const old = await leader();
    await decides(old);
    // In the middle of whatever it does.
    await sleep(Math.random() * 300);
    old.program.kill('SIGSTOP');
    const next = await another(old);
    const from = (await server.audit()).length;
    await until(`${next.name} decides`, async () =>
      (await server.audit()).slice(from).some((w) => isLeaders(w) && sender(w) === next.name),
    );
    old.program.kill('SIGCONT');
    await sleep(1500);
    const since = (await server.audit()).slice(from).filter(isLeaders);
    expect(new Set(since.map(sender))).toEqual(new Set([next.name]));
  }
  await editor.stop();
});

test('a worker that stood still for longer than its lock writes nothing old when it goes on', async () => {
  editor.start();
  const lead = await leader();
  const worker = replicas.all.find((replica) => replica !== lead) as Replica;
  const before = worker.jobs;
  await until('it is at work', async () => worker.jobs > before);
  worker.program.kill('SIGSTOP');
  await sleep(JOB_LOCK_MS + 2000);
  worker.program.kill('SIGCONT');
  const then = worker.jobs;
  await until('it works again', async () => worker.jobs > then);
  const last = await editor.stop();
  await until('every node has the last value', async () => nodes.allAt(last));
  expect(older()).toEqual([]);
});

test('after an orderly end another one leads before the lease could have expired', async () => {
  const old = await leader();
  const ended = old.program.stop();
  await another(old);
  expect(await ended).toBe(0);
  replicas.all.splice(replicas.all.indexOf(old), 1);
  const renewed = await server.admin.must({
    path: `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/sysctl-operator`,
  });
  const { acquireTime } = renewed['spec'] as { acquireTime: string };
  const log = old.program.log;
  const stops = /"message":"the manager stops".*?"timestamp":"([^"]+)"/.exec(log)?.[1];
  expect(stops).toBeDefined();
  expect(Date.parse(acquireTime) - Date.parse(stops ?? '')).toBeLessThan((LEASE_SECONDS * 1000) / 2);
});

test('after kill -9 of the leader another one goes on with the work', async () => {
  editor.start();
  const old = await leader();
  await sleep(300);
  old.program.kill('SIGKILL');
  replicas.all.splice(replicas.all.indexOf(old), 1);
  const next = await another(old);
  await decides(next);
  const last = await editor.stop();
  await until('every node has the last value', async () => nodes.allAt(last));
  await until('the profile is ready', isReady);
  expect(older()).toEqual([]);
});

test('Redis away is told once: in /readyz, in one Event about the pod; then work goes on', async () => {
  const [replica] = replicas.all as [Replica];
  const reasons = async (): Promise<string[]> => {
    const path = `/apis/events.k8s.io/v1/namespaces/${NAMESPACE}/events`;
    const { items } = (await server.admin.must({ path })) as unknown as {
      items: { reason: string; regarding: { kind: string; name: string } }[];
    };
    return items
      .filter(({ regarding }) => regarding.kind === 'Pod' && regarding.name === replica.name)
      .map(({ reason }) => reason);
  };
  await until('it is ready', async () => (await replica.ready())[0] === 200);
  const warnings = (): number => replica.program.log.split('work cannot be queued').length - 1;
  const before = warnings();
  await redis.down();
  await until('the Event', async () => (await reasons()).length > 0);
  expect(await replica.ready()).toEqual([
    503,
    'Redis cannot be reached: no work is done; agents go on enforcing',
  ]);
  editor.start();
  await sleep(3000);
  const last = await editor.stop();
  expect(await reasons()).toEqual(['RedisAway']);
  expect(warnings() - before).toBeLessThanOrEqual(1);
  await redis.up();
  await until('every node has the last value', async () => nodes.allAt(last));
  await until('the second Event', async () => (await reasons()).length > 1);
  expect(await reasons()).toEqual(['RedisAway', 'RedisBack']);
  expect((await replica.ready())[0]).toBe(200);
});

test('in all of this no node was told anything older than before', () => {
  for (const name of nodes.names) expect(nodes.told(name).length).toBeGreaterThan(3);
  expect(older()).toEqual([]);
});
