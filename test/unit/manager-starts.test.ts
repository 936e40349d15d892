import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ApiRequest, ApiServer } from '../../operator/kube/api-server.ts';
import type { Caches } from '../../operator/manager/caches.ts';
import { Manager } from '../../operator/manager/manager.ts';
import { Planner } from '../../operator/plan/plan.ts';
import { Metrics } from '../../operator/telemetry/metrics.ts';
import { recordingLog } from './support/agent-fakes.ts';
import { cachedNode } from './support/manager-fakes.ts';
import { profile, sysctl } from './support/profiles.ts';

describe('a job of a replica', () => {
  let sent: string[];
  /** The revision that the profile makes. */
  let wanted: string;
  let api: ApiServer;
  let manager: Manager;
  beforeEach(() => {
    sent = [];
    api = {
      request: async <T>({ method, path }: ApiRequest): Promise<T> => {
        sent.push(`${method} ${path.split('/').at(-1)}`);
        return {} as T;
      },
    } as ApiServer;
    const own = profile('search', { sysctls: [sysctl('vm.max_map_count=262144')] });
    const [[name = ''] = []] = new Planner().plan([own], [{ name: 'a', labels: {} }]).revisions;
    wanted = name;
    const stores = {
      profiles: { store: new Map([['search', own]]) },
      planNodes: new Map(['a', 'b'].map((one) => [one, cachedNode(one)])),
      states: { store: new Map() },
      contents: new Map(),
      revisions: { store: new Map() },
      daemonSets: { store: new Map() },
    };
    manager = new Manager({
      api,
      caches: stores as unknown as Caches,
      nodeConfig: { add: async () => {} },
      events: undefined as never,
      metrics: new Metrics(),
      log: recordingLog([]),
      settings: { namespace: 'operators' } as never,
    });
    manager.lookAgain();
  });
  const job = (node: string, granted: Record<string, string>): Promise<void> =>
    manager.configureNode(node, api, AbortSignal.timeout(10_000), granted[node]);
  const states = (): string[] => sent.filter((request) => request === 'POST nodesysctlstates');

  test('tells no node to start that the leader has not told, and nothing else than the leader has', async () => {
    await job('a', {});
    await job('a', { b: wanted });
    await job('a', { a: 'sysctl-of-before' });
    expect(sent).toEqual([]);
    await job('a', { a: wanted });
    expect(states()).toHaveLength(1);
  });

  test('counts what it has begun, and what the leader has, before it can be seen', async () => {
    manager.learn(new Map([['b', 'sysctl-of-before']]));
    await job('a', { a: wanted });
    expect(states()).toEqual([]);
    await job('b', { b: wanted });
    await job('a', { a: wanted });
    expect(states()).toHaveLength(1);
  });
});
