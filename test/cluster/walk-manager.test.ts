/**
 * The manager is killed with -9 before each of its effects on the API server and on Redis, as the program itself enumerates them
 * (test/walk/); the one that is started after it must bring the change to its end, with nothing lost and nothing twice.
 */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { TestRedis } from '../queues/support/redis.ts';
import { Life } from '../walk/life.ts';
import { stepName, type Step } from '../walk/steps.ts';
import { isReady, NODES, WalkedCluster } from '../walk/walked-cluster.ts';
import { untilQuiet } from '../walk/walk.ts';
import type { Credentials, TestApiServer } from './support/api-server.ts';
import { patch } from './support/calls.ts';
import { installed } from './support/installation.ts';
import { createProfile, PROFILES } from './support/profiles.ts';
import { NAMESPACE, podToken } from './support/service-accounts.ts';
import { until } from './support/wait.ts';

let server: TestApiServer;
let cluster: WalkedCluster;
let redis: TestRedis;
let folder: string;
let credentials: Credentials;
const lives: Life[] = [];

/** As where the manager's Redis has ended with it: then nobody else works, and nobody is waited for. */
async function forget(): Promise<void> {
  await redis.command('FLUSHALL');
  await redis.command('SET', '{sysctl-operator}:node-config:view', '{}');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sysctl-operator-walk-'));
  redis = await TestRedis.start();
  server = await installed();
  cluster = await WalkedCluster.make(server);
  credentials = await server.credentials(
    'manager',
    await podToken(server.admin, 'node-1', 'sysctl-operator-manager'),
  );
}, 300_000);
afterEach(() => Promise.all(lives.map((life) => life.stop())));
afterAll(async () => {
  await Promise.allSettled([cluster?.close(), redis?.close()]);
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A manager; one that is started again has the name of the one before, as a container of the same pod. */
function start(end?: Step): Life {
  const life = new Life({
    role: 'manager',
    folder,
    name: `manager-${lives.length + 1}`,
    end,
    env: {
      TMPDIR: folder,
      KUBECONFIG: credentials.kubeconfig,
      POD_NAMESPACE: NAMESPACE,
      POD_NAME: 'manager-1',
      AGENT_IMAGE: 'none',
      METRICS_PORT: '0',
      HEALTH_PORT: '0',
      REDIS_URL: redis.url,
    },
  });
  lives.push(life);
  return life;
}

/** The manager of one change: killed at its step, once, and started again. */
class Managers {
  readonly #end: Step | undefined;
  readonly #forgets: boolean;
  readonly first: Life;
  #now: Life;

  constructor(end: Step | undefined, forgets: boolean) {
    this.#end = end;
    this.#forgets = forgets;
    this.first = this.#now = start(end);
  }

  get killed(): boolean {
    return this.#now !== this.first;
  }

  /** Throws where one ended that should not have. */
  async care(): Promise<void> {
    if (this.#now.ended === undefined) return;
    if (!this.#end || this.killed || this.#now.ended !== 'SIGKILL')
      throw new Error(`the manager ended with ${this.#now.ended}\n${this.#now.log.slice(-3000)}`);
    // With a Redis of its own the manager's work is gone with it.
    if (this.#forgets) await forget();
    this.#now = start();
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const check = async (): Promise<boolean> => {
      await this.care();
      return holds();
    };
    await until(what, check, () => this.#now.log.slice(-3000));
  }

  async stop(): Promise<void> {
    await Promise.all([this.first.stop(), this.#now.stop()]);
  }
}

const value = (number: number): string =>
  `nodeSelector: {}\nrollout: {maxUnavailable: 1}\nsysctls:\n- {name: vm.swappiness, value: ${number}}\n`;
const generations = async (): Promise<unknown> =>
  (await cluster.states()).map(({ metadata }) => metadata.generation);
const labelsOf = (labels: object): object => Object.fromEntries(NODES.map((name) => [name, labels]));
const AGENT = { 'sysctl-operator.dev/agent': 'true' };
const TUNED = { ...AGENT, 'profile.sysctl-operator.dev/search': 'ready' };

/** A profile is made, edited and deleted; throws where anything is not as it must be then. */
async function change(managers: Managers): Promise<void> {
  const settled = async (): Promise<boolean> =>
    isReady(await cluster.profile('search')) && isDeepStrictEqual(await cluster.labels(), labelsOf(TUNED));
  await createProfile(server.admin, 'search', value(1));
  await managers.until('the profile is ready', settled);
  const uids = (await cluster.states()).map(({ metadata }) => metadata.uid);
  expect(await generations()).toEqual([1, 1]);

  await server.admin.must(
    patch(`${PROFILES}/search`, { spec: { sysctls: [{ name: 'vm.swappiness', value: 2 }] } }),
  );
  await managers.until('the edited profile is ready', settled);
  expect(await generations()).toEqual([2, 2]);
  expect((await cluster.states()).map(({ metadata }) => metadata.uid)).toEqual(uids);
  expect((await cluster.profile('search')).status?.nodes).toMatchObject({ matched: 2, updated: 2, ready: 2 });

  await server.admin.must({ method: 'DELETE', path: `${PROFILES}/search` });
  await managers.until('the nodes are given back', async () => (await cluster.states()).length === 0);
  expect(await cluster.labels()).toEqual(labelsOf({}));
  expect(await cluster.revisions()).toHaveLength(3);
  expect(cluster.midChange).toBe(1);
}

/**
 * Of what is done again and again for other nodes, or at another moment, the first ones: a renewal, a status and a queued job say the
 * same each time. After an answer is as before the next effect, so one of each kind is enough.
 */
function isWalked({ effect, nth }: Step): boolean {
  if (effect.includes('node-2')) return false;
  return nth <= (/^(?:PUT|queue|job)|, answered$/.test(effect) ? 1 : 2);
}

/** One whole change by a manager that is killed before that step, where it comes to it. */
async function walk(end: Step | undefined, forgets: boolean): Promise<Managers> {
  await forget();
  const managers = new Managers(end, forgets);
  try {
    await change(managers);
    // A renewal comes by time, not by what is done.
    if (end?.effect.startsWith('PUT '))
      await managers.until('the lease is renewed', async () => managers.killed);
    await untilQuiet(managers.first);
    return managers;
  } catch (error) {
    throw new Error(end ? `killed before "${stepName(end)}"` : 'not killed', { cause: error });
  } finally {
    await managers.stop();
    await server.admin.call({ method: 'DELETE', path: `${PROFILES}/search` });
    await cluster.forget();
  }
}

test('a profile is made, edited and deleted as it should, also when the manager is killed before any of its steps', async () => {
  const { steps } = (await walk(undefined, true)).first;
  const ends = steps.filter(isWalked);
  const walked = new Set<string>();
  // How often a queue is added to differs from life to life: not every step is come to again.
  for (const end of ends) if ((await walk(end, true)).killed) walked.add(end.effect);
  expect([...walked].toSorted()).toEqual([...new Set(ends.map(({ effect }) => effect))].toSorted());
  expect([...walked]).toEqual(
    expect.arrayContaining([
      'listen',
      `POST namespaces/${NAMESPACE}/leases`,
      `POST namespaces/${NAMESPACE}/controllerrevisions`,
      `PATCH namespaces/${NAMESPACE}/daemonsets/sysctl-operator-agent`,
      'POST nodesysctlstates',
      'PATCH nodesysctlstates/node-1',
      'DELETE nodesysctlstates/node-1',
      'PATCH nodes/node-1',
      'PATCH sysctlprofiles/search/status',
      'POST namespaces/default/events',
      'queue node-config: addBulk',
      'job node-config: moveToCompleted',
    ]),
  );
}, 600_000);

test('so it ends where Redis outlives the manager, with the job half-done', async () => {
  const end = { effect: 'PATCH nodesysctlstates/node-1, answered', nth: 1 };
  expect((await walk(end, false)).killed).toBe(true);
});
