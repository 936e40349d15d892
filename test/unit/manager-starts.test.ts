import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ApiRequest, ApiServer } from '../../operator/kube/api-server.ts';
import type { Caches } from '../../operator/manager/caches.ts';
import { Manager } from '../../operator/manager/manager.ts';
import { Metrics } from '../../operator/telemetry/metrics.ts';
import { recordingLog } from './support/agent-fakes.ts';
import { cachedNode } from './support/manager-fakes.ts';
import { profile, sysctl } from './support/profiles.ts';

describe('a job of a replica', () => {
  let sent: string[];
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
    const stores = {
      profiles: { store: new Map([['search', own]]) },
      planNodes: new Map(['a', 'b'].map((name) => [name, cachedNode(name)])),
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
  const job = (node: string, mayStart: boolean): Promise<void> =>
    manager.configureNode(node, api, AbortSignal.timeout(10_000), mayStart);
  const states = (): string[] => sent.filter((request) => request === 'POST nodesysctlstates');

  test('tells no node to start that the leader has not told', async () => {
    await job('a', false);
    expect(sent).toEqual([]);
    await job('a', true);
    expect(states()).toHaveLength(1);
  });

  test('counts what it has begun, and what the leader has, before it can be seen', async () => {
    manager.learn(new Map([['b', 'sysctl-of-the-leader']]));
    await job('a', true);
    expect(states()).toEqual([]);
    await job('b', true);
    await job('a', true);
    expect(states()).toHaveLength(1);
  });
});
