import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SysctlProfile } from '../../../operator/api/profile.ts';
import { REVISION_LABEL } from '../../../operator/api/names.ts';
import type { NodeSysctlStateStatus } from '../../../operator/api/state.ts';
import { Planner } from '../../../operator/plan/plan.ts';
import type { TestApiServer } from './api-server.ts';
import { APPS, object, patch, post, STATES } from './calls.ts';

const program = join(fileURLToPath(import.meta.url), '../../../../operator/cli/main.ts');

export interface Ran {
  status: number;
  out: string;
  err: string;
}

/** `kubectl sysctl ARGS` as a process of its own, with this input. */
export const commandLine = (args: readonly string[], input = ''): Promise<Ran> =>
  new Promise((resolve) => {
    const options = ['--disable-warning=ExperimentalWarning', program, ...args];
    const child = execFile(process.execPath, options, { maxBuffer: 64 << 20 }, (error, out, err) =>
      resolve({ status: error ? Number(error.code) : 0, out, err }),
    );
    child.stdin?.end(input);
  });

/** `kubectl sysctl ARGS` that goes on until it is ended; what it has printed so far. */
export interface Going {
  printed(): string;
  end(): Promise<void>;
}

export function commandLineThatGoesOn(args: readonly string[]): Going {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args]);
  const ended = once(child, 'exit');
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return {
    printed: () => text,
    async end() {
      child.kill();
      await ended;
    },
  };
}

/** The kubeconfig of a new ServiceAccount that has only these ClusterRoles. */
export async function readerWith(server: TestApiServer, name: string, ...roles: string[]): Promise<string> {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await server.admin.must(post(accounts, object('v1', 'ServiceAccount', name)));
  for (const role of roles)
    await server.admin.must(
      post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
        ...object('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', `${name}-${role}`),
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
      }),
    );
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const answer = await server.admin.must(post(`${accounts}/${name}/token`, request));
  const { token } = answer['status'] as { token: string };
  return (await server.credentials(name, token)).kubeconfig;
}

/** The state of a node whose agent has what these profiles want, with the revision that it refers to; both made by hand. */
export async function nodeHolding(
  server: TestApiServer,
  node: string,
  profiles: readonly SysctlProfile[],
  status: NodeSysctlStateStatus,
): Promise<void> {
  const plan = new Planner().plan(profiles, [{ name: node, labels: {} }]);
  const name = plan.wanted.get(node) ?? plan.empty.name;
  await server.admin.call(
    post(`${APPS}/controllerrevisions`, {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: { name, labels: { [REVISION_LABEL]: 'true' } },
      revision: 1,
      data: plan.revisions.get(name) ?? plan.empty.data,
    }),
  );
  const state = object('sysctl-operator.dev/v1alpha1', 'NodeSysctlState', node, { spec: { revision: name } });
  await server.admin.must(post(STATES, state));
  await server.admin.must(
    patch(`${STATES}/${node}/status`, { status: { observedRevision: name, ...status } }),
  );
}

/** A running pod that sets sysctls; no kubelet has ever seen it. */
export async function runningPod(
  server: TestApiServer,
  name: string,
  node: string,
  sysctls: readonly string[],
): Promise<void> {
  const path = '/api/v1/namespaces/default/pods';
  const securityContext = { sysctls: sysctls.map((key) => ({ name: key, value: '1' })) };
  const containers = [{ name: 'c', image: 'none' }];
  const serviceAccountName = 'default';
  await server.admin.call(
    post('/api/v1/namespaces/default/serviceaccounts', object('v1', 'ServiceAccount', serviceAccountName)),
  );
  const spec = { nodeName: node, securityContext, containers, serviceAccountName };
  await server.admin.must(post(path, object('v1', 'Pod', name, { spec })));
  await server.admin.must(patch(`${path}/${name}/status`, { status: { phase: 'Running' } }));
}
