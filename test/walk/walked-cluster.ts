import { conditionOf } from '../../operator/api/conditions.ts';
import type { ObjectMeta } from '../../operator/api/meta.ts';
import type { SysctlProfile } from '../../operator/api/profile.ts';
import type { NodeSysctlState, NodeSysctlStateStatus } from '../../operator/api/state.ts';
import type { TestApiServer } from '../cluster/support/api-server.ts';
import { APPS, LEASES, patch, STATES } from '../cluster/support/calls.ts';
import { PROFILES } from '../cluster/support/profiles.ts';
import { createNode } from '../cluster/support/service-accounts.ts';

export const NODES = ['node-1', 'node-2'];

const ours = ({ labels = {} }: ObjectMeta): [string, string][] =>
  Object.entries(labels).filter(([name]) => name.includes('sysctl-operator.dev/'));

interface List<T> {
  items: T[];
}

/** Nodes whose agents do at once what they are told, and what the API server has of the operator. */
export class WalkedCluster {
  readonly #server: TestApiServer;
  /** How many nodes were mid-change at once, at most. */
  midChange = 0;
  #playing = true;
  #agents: Promise<void> = Promise.resolve();

  private constructor(server: TestApiServer) {
    this.#server = server;
  }

  static async make(server: TestApiServer): Promise<WalkedCluster> {
    const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }];
    for (const name of NODES) {
      await createNode(server.admin, name);
      await server.admin.must(patch(`/api/v1/nodes/${name}/status`, { status: { conditions } }));
    }
    const cluster = new WalkedCluster(server);
    cluster.#agents = cluster.#play();
    return cluster;
  }

  async #list<T>(path: string): Promise<T[]> {
    return ((await this.#server.admin.must({ path })) as unknown as List<T>).items;
  }

  states(): Promise<NodeSysctlState[]> {
    return this.#list(STATES);
  }

  async profile(name: string): Promise<SysctlProfile> {
    return (await this.#server.admin.must({ path: `${PROFILES}/${name}` })) as unknown as SysctlProfile;
  }

  /** Labels of the operator, by node. */
  async labels(): Promise<Record<string, Record<string, string>>> {
    const nodes = await this.#list<{ metadata: ObjectMeta }>('/api/v1/nodes');
    return Object.fromEntries(
      nodes.map(({ metadata }) => [metadata.name, Object.fromEntries(ours(metadata))]),
    );
  }

  async revisions(): Promise<string[]> {
    return (await this.#list<{ metadata: ObjectMeta }>(`${APPS}/controllerrevisions`)).map(
      ({ metadata }) => metadata.name,
    );
  }

  /** Takes away what the operator leaves for ever, so that the next manager is the first one. */
  async forget(): Promise<void> {
    for (const path of [`${APPS}/controllerrevisions`, `${APPS}/daemonsets`, LEASES])
      await this.#server.admin.must({ method: 'DELETE', path });
    this.midChange = 0;
  }

  async #play(): Promise<void> {
    while (this.#playing) {
      // A server that has just been told of our kinds asks for patience.
      const states = await this.states().catch((): NodeSysctlState[] => []);
      const behind = states.filter(({ spec, status }) => status?.observedRevision !== spec.revision);
      this.midChange = Math.max(this.midChange, behind.length);
      for (const { metadata, spec } of behind)
        await this.#server.admin.call(
          patch(`${STATES}/${metadata.name}/status`, { status: done(spec.revision, metadata.generation) }),
        );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async close(): Promise<void> {
    this.#playing = false;
    await this.#agents;
  }
}

const done = (revision: string, generation = 1): NodeSysctlStateStatus => ({
  observedRevision: revision,
  sysctls: { inSync: 1, drifted: 0, failed: 0, unsupported: 0, foreign: 0 },
  deviations: [],
  originals: {},
  kubelet: { state: 'Unmanaged' },
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'AllInSync',
      message: '',
      observedGeneration: generation,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    },
  ],
});

/** Ready for the generation that is there. */
export const isReady = ({ metadata, status }: SysctlProfile): boolean => {
  const ready = conditionOf(status?.conditions, 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === metadata.generation;
};
