import { KubeConfig } from '@kubernetes/client-node';
import { paths } from '../../../operator/api/names.ts';
import type { Revision } from '../../../operator/api/revision.ts';
import type { NodeSysctlState } from '../../../operator/api/state.ts';
import { ClientNodeApiServer } from '../../../operator/kube/client-node-api-server.ts';
import { Reflector } from '../../../operator/kube/reflector.ts';
import { jsonLog } from '../../../operator/telemetry/json-log.ts';
import type { TestApiServer } from './api-server.ts';
import { patch, STATES } from './calls.ts';
import { createNode, NAMESPACE } from './service-accounts.ts';

/** What an agent writes that has done everything. */
const done = (observedRevision: string, generation: number): object => ({
  observedRevision,
  bootID: '00000000-0000-0000-0000-000000000000',
  kernelRelease: '6.18.0',
  sysctls: { inSync: 1, drifted: 0, failed: 0, unsupported: 0, foreign: 0 },
  deviations: [],
  originals: { 'net.core.somaxconn': '128' },
  kubelet: { state: 'Unmanaged' },
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'AllInSync',
      message: 'all sysctls are as wanted',
      observedGeneration: generation,
      lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    },
  ],
});

/** Ready Nodes whose agents are played, by the API server's administrator: what a state asks for is there at once. */
export class PlayedNodes {
  readonly names: readonly string[];
  readonly #server: TestApiServer;
  readonly #stop = new AbortController();
  /** Of every node the revisions that it was told, oldest first. */
  readonly #told = new Map<string, string[]>();
  /** Of every revision the value of its one sysctl. */
  readonly #values = new Map<string, number>();
  #playing: Promise<unknown> = Promise.resolve();

  private constructor(server: TestApiServer, names: readonly string[]) {
    this.#server = server;
    this.names = names;
  }

  static async make(server: TestApiServer, count: number): Promise<PlayedNodes> {
    const names = Array.from({ length: count }, (_, i) => `node-${i + 1}`);
    const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }];
    for (const name of names) {
      await createNode(server.admin, name);
      await server.admin.must(patch(`${paths.nodes}/${name}/status`, { status: { conditions } }));
    }
    const nodes = new PlayedNodes(server, names);
    nodes.#playing = nodes.#play();
    return nodes;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#playing;
  }

  /** The values that a node was told, one after the other. */
  told(node: string): number[] {
    return (this.#told.get(node) ?? []).map((revision) => this.#values.get(revision) ?? Number.NaN);
  }

  /** True when every node was told this value last. */
  allAt(value: number): boolean {
    return this.names.every((name) => this.told(name).at(-1) === value);
  }

  async #play(): Promise<void> {
    const config = new KubeConfig();
    config.loadFromFile(this.#server.kubeconfig);
    const api = new ClientNodeApiServer(config);
    const plain = { api, log: jsonLog({ level: 'error' }) };
    const revisions = new Reflector<Revision>({
      ...plain,
      path: paths.revisions(NAMESPACE),
      onChange: (name, revision) => {
        const value = revision?.data.sysctls[0]?.value;
        if (value !== undefined) this.#values.set(name, Number(value));
      },
    });
    const states = new Reflector<NodeSysctlState>({
      ...plain,
      path: paths.states,
      onChange: (name, state) => state && this.#agent(name, state),
    });
    try {
      await Promise.all([revisions.run(this.#stop.signal), states.run(this.#stop.signal)]);
    } finally {
      api.close();
    }
  }

  #agent(name: string, { spec, status, metadata }: NodeSysctlState): void {
    const told = this.#told.get(name) ?? [];
    this.#told.set(name, told);
    if (told.at(-1) !== spec.revision) told.push(spec.revision);
    if (status?.observedRevision === spec.revision) return;
    const body = { status: done(spec.revision, metadata.generation ?? 1) };
    this.#server.admin.call(patch(`${STATES}/${name}/status`, body)).catch(() => {});
  }
}
