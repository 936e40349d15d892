import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeSysctlState } from '../../operator/api/state.ts';
import { ensureBinaries } from '../../test/cluster/tool/binaries.ts';
import type { TestApiServer } from '../../test/cluster/support/api-server.ts';
import { APPS, object, post, STATES } from '../../test/cluster/support/calls.ts';
import { installed } from '../../test/cluster/support/installation.ts';
import { createNode, NAMESPACE, podToken } from '../../test/cluster/support/service-accounts.ts';
import { revision } from '../../test/kernel/support/revision.ts';
import { PROJECT } from '../../test/cluster/tool/layout.ts';

/** A real kube-apiserver with the operator's manifests; its programs as the development cluster has them. */
export async function benchApiServer(folder: string): Promise<TestApiServer> {
  const bin = join(folder, 'bin');
  await ensureBinaries(bin);
  process.env['KUBEBUILDER_ASSETS'] = bin;
  return installed();
}

/** The environment of an agent whose node wants these values. */
export async function agentEnvironment(
  server: TestApiServer,
  folder: string,
  values: Readonly<Record<string, string>>,
): Promise<{ node: string; env: Record<string, string> }> {
  const node = `node-${randomUUID().slice(0, 8)}`;
  const { metadata } = (await createNode(server.admin, node)) as { metadata: { uid: string } };
  const { name, data } = revision(
    `sysctl-${node}`,
    ...Object.entries(values).map(([key, value]) => ({ name: key, value })),
  );
  await server.admin.must(
    post(
      `${APPS}/controllerrevisions`,
      object('apps/v1', 'ControllerRevision', name, {
        revision: 1,
        data,
        metadata: { name, labels: { 'sysctl-operator.dev/revision': 'true' } },
      }),
    ),
  );
  const owner = { apiVersion: 'v1', kind: 'Node', name: node, uid: metadata.uid };
  const state = { metadata: { name: node, ownerReferences: [owner] }, spec: { revision: name } };
  await server.admin.must(
    post(STATES, object('sysctl-operator.dev/v1alpha1', 'NodeSysctlState', node, state)),
  );
  const token = await podToken(server.admin, node, 'sysctl-operator-agent');
  const { caFile, tokenFile } = await server.credentials(node, token);
  const { hostname, port } = new URL(server.url);
  const stateDir = join(folder, 'state');
  mkdirSync(stateDir);
  return {
    node,
    env: {
      NODE_NAME: node,
      POD_NAMESPACE: NAMESPACE,
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      CA_FILE: caFile,
      TOKEN_FILE: tokenFile,
      HOST_ROOT: folder,
      STATE_DIR: stateDir,
    },
  };
}

export const stateOf = async (server: TestApiServer, node: string): Promise<NodeSysctlState> =>
  (await server.admin.must({ path: `${STATES}/${node}` })) as unknown as NodeSysctlState;

/** As the image has it; `npm run build` makes it. */
export const BUNDLE = join(PROJECT, 'dist', 'main.cjs');
