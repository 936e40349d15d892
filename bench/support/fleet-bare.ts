import { paths } from '../../operator/api/names.ts';
import { post } from '../../test/cluster/support/calls.ts';
import type { TestApiServer } from '../../test/cluster/support/api-server.ts';
import { contentTypes } from '../../operator/kube/api-server.ts';
import type { FleetAgents } from './fleet-agents.ts';
import { forAll } from './fleet.ts';

const NAMESPACE = 'sysctl-operator-system';
const REVISION = 'sysctl-bare';

/** The writes of an edit and nothing else: what no manager can be faster than. */
export class BareManager {
  readonly #server: TestApiServer;
  readonly #agents: FleetAgents;
  readonly #names: readonly string[];

  constructor(server: TestApiServer, agents: FleetAgents, names: readonly string[]) {
    this.#server = server;
    this.#agents = agents;
    this.#names = names;
  }

  /** Points every state at another revision; resolves once every agent has said that it is there. */
  async edit(): Promise<void> {
    const { admin } = this.#server;
    const metadata = { name: REVISION, namespace: NAMESPACE };
    const data = { sysctls: [], kubelet: { allowedUnsafeSysctls: [] }, profiles: [] };
    const revision = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, revision: 9999, data };
    await admin.must(post(paths.revisions(NAMESPACE), revision));
    const before = this.#agents.writes;
    const body = [{ op: 'replace', path: '/spec/revision', value: REVISION }];
    await forAll(this.#names, (name) =>
      admin.must({
        method: 'PATCH',
        path: `${paths.states}/${name}`,
        body,
        contentType: contentTypes.jsonPatch,
        accept: contentTypes.metadata,
      }),
    );
    while (this.#agents.writes < before + this.#names.length)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
