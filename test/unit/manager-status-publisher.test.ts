import { beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { conditionOf } from '../../operator/api/conditions.ts';
import type { SysctlProfileStatus } from '../../operator/api/profile.ts';
import { Refusals } from '../../operator/manager/refusals.ts';
import { StatusPublisher } from '../../operator/manager/status-publisher.ts';
import { Metrics } from '../../operator/telemetry/metrics.ts';
import { apiError, StubApiServer } from './support/agent-fakes.ts';
import { cachedNode, MemoryCluster } from './support/manager-fakes.ts';
import { profile, sysctl } from './support/profiles.ts';

const search = (generation: number, status?: SysctlProfileStatus) => ({
  ...profile('search', { uid: 'u', generation, sysctls: [sysctl(`vm.swappiness=${generation}`)] }),
  ...(status && { status }),
});

let api: StubApiServer;
let cluster: MemoryCluster;
let publisher: StatusPublisher;
let refusals: Refusals;
beforeEach(() => {
  api = new StubApiServer();
  cluster = new MemoryCluster([cachedNode('a'), cachedNode('b')]);
  const metrics = new Metrics();
  refusals = new Refusals();
  publisher = new StatusPublisher({
    api,
    events: { record: () => {} },
    metrics,
    world: cluster.world,
    refusals,
  });
});

/** One run of the loop; the statuses that were written, as `reason ready/matched`. */
async function run(): Promise<{ again: number | undefined; written: string[] }> {
  const before = api.requests.length;
  const again = await publisher.publish(cluster.reconcile());
  const statuses = api.requests.slice(before).map((r) => (r.body as { status: SysctlProfileStatus }).status);
  const written = statuses.map(
    (s) => `${conditionOf(s.conditions, 'Ready')?.reason} ${s.nodes?.ready}/${s.nodes?.matched}`,
  );
  return { again, written };
}
const settle = (): void => {
  for (let i = 0; i < 10; i++) {
    cluster.reconcile();
    cluster.agents();
  }
};

describe('the status of a spec that is new', () => {
  test('is written once where the nodes have it within moments', async () => {
    cluster.set(search(1));
    const first = await run();
    expect(first.written).toEqual([]);
    expect(first.again).toBeGreaterThan(0);
    settle();
    expect((await run()).written).toEqual(['AllNodesReady 2/2']);
    expect((await run()).written).toEqual([]);
  });

  test('says that nodes are on their way where they take longer', async () => {
    cluster.set(search(1));
    const { again = 0 } = await run();
    await sleep(again + 5);
    expect((await run()).written).toEqual(['RollingOut 0/2']);
  });

  test('is waited for again after the next edit', async () => {
    cluster.set(search(1));
    settle();
    await run();
    cluster.set(search(2));
    expect((await run()).written).toEqual([]);
  });

  test('says at once what needs a person', async () => {
    cluster.set(profile('search', { uid: 'u', sysctls: [sysctl('kernel.sem=1', { scope: 'Node' })] }));
    expect((await run()).written).toEqual(['NotAccepted 0/2']);
  });

  test('says at once what the API server refused for good, until it no longer does', async () => {
    const [actions, settled] = [[], []];
    const refused = refusals.watch('a', actions, async () => {
      throw apiError(403);
    });
    await expect(refused).rejects.toMatchObject({ status: 403 });
    cluster.set(search(1));
    expect((await run()).written).toEqual(['NodeFailed 0/2']);
    expect(api.requests.at(-1)?.body).toMatchObject({
      status: { failures: [{ node: 'a', message: expect.stringContaining('403') }] },
    });
    expect([refusals.holdsBack('a', actions), refusals.holdsBack('b', actions)]).toEqual([true, false]);
    // Something else was decided.
    expect(refusals.holdsBack('a', settled)).toBe(false);
    await refusals.watch('a', actions, async () => {});
    settle();
    expect((await run()).written).toEqual(['AllNodesReady 2/2']);
  });

  test('says at once that no node matches', async () => {
    cluster.nodes.clear();
    cluster.set(search(1));
    expect((await run()).written).toEqual(['NoNodesMatched 0/0']);
  });
});

describe('the status of a profile', () => {
  test('is not written again for counts alone within half a second, but is when its condition changes', async () => {
    cluster.set(search(1));
    const { again = 0 } = await run();
    await sleep(again + 5);
    await run();
    cluster.agent('a');
    cluster.reconcile();
    const counts = await run();
    expect(counts.written).toEqual([]);
    expect(counts.again).toBeGreaterThan(0);
    settle();
    expect((await run()).written).toEqual(['AllNodesReady 2/2']);
  });

  test('that was not taken is written again', async () => {
    cluster.set(search(1));
    settle();
    api.answer = () => {
      throw apiError(500);
    };
    await expect(run()).rejects.toMatchObject({ status: 500 });
    api.answer = () => ({});
    expect((await run()).written).toEqual(['AllNodesReady 2/2']);
  });

  test("of a profile that was deleted meanwhile is nobody's loss", async () => {
    cluster.set(search(1));
    settle();
    api.answer = () => {
      throw apiError(404);
    };
    await expect(run()).resolves.toBeDefined();
  });
});
