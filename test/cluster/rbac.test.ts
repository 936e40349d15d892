/** What the two ServiceAccounts of the operator can do to a real API server, with tokens as their pods have them. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  APPS,
  daemonSet,
  event,
  EVENTS,
  label,
  lease,
  LEASES,
  object,
  patch,
  patchNode,
  post,
  state,
  STATES,
  verdict,
} from './support/calls.ts';
import type { Call } from './support/client.ts';
import { PROFILES } from './support/profiles.ts';
import { operatorScene, type Scene } from './support/scene.ts';
import { NAMESPACE } from './support/service-accounts.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await operatorScene();
}, 180_000);
afterAll(() => scene?.server.close());

type Row = readonly [what: string, call: Call];

describe('the manager may', () => {
  test.each<Row>([
    ['list profiles', { path: PROFILES }],
    [
      'write the status of a profile',
      patch(`${PROFILES}/search/status`, { status: { observedGeneration: 1 } }),
    ],
    ['create a state', post(STATES, state('node-3'))],
    ['change the spec of a state', patch(`${STATES}/node-3`, { spec: { revision: 'r2' } })],
    ['delete a state', { method: 'DELETE', path: `${STATES}/node-3` }],
    ['list nodes', { path: '/api/v1/nodes' }],
    [
      'set its own labels of a Node',
      label({ 'sysctl-operator.dev/agent': 'true', 'profile.sysctl-operator.dev/search': 'ready' }),
    ],
    [
      'take its own labels of a Node away',
      label({ 'sysctl-operator.dev/agent': null, 'profile.sysctl-operator.dev/search': null }),
    ],
    ['create the DaemonSet of the agent', post(`${APPS}/daemonsets`, daemonSet('sysctl-operator-agent'))],
    [
      'change the DaemonSet of the agent',
      patch(`${APPS}/daemonsets/sysctl-operator-agent`, { metadata: { labels: { x: 'y' } } }),
    ],
    ['list DaemonSets of its namespace', { path: `${APPS}/daemonsets` }],
    [
      'create a revision',
      post(
        `${APPS}/controllerrevisions`,
        object('apps/v1', 'ControllerRevision', 'r1', { revision: 1, data: {} }),
      ),
    ],
    ['list revisions', { path: `${APPS}/controllerrevisions` }],
    ['delete a revision', { method: 'DELETE', path: `${APPS}/controllerrevisions/r1` }],
    ['create the Lease', post(LEASES, lease)],
    ['create an Event', post(EVENTS, event('by-manager'))],
  ])('%s', async (_what, call) => {
    expect(verdict(await scene.manager.call(call))).toBe('allowed');
  });

  test('read the Lease and renew it', async () => {
    const read = await scene.manager.call({
      path: `${LEASES}?fieldSelector=metadata.name%3Dsysctl-operator`,
    });
    expect(verdict(read)).toBe('allowed');
    const [body] = read.body['items'] as object[];
    const path = `${LEASES}/sysctl-operator`;
    expect(verdict(await scene.manager.call({ method: 'PUT', path, body }))).toBe('allowed');
  });
});

describe('the manager may not', () => {
  test.each<Row>([
    ['write the status of a state', patch(`${STATES}/node-1/status`, { status: { bootID: 'x' } })],
    ['change the spec of a profile', patch(`${PROFILES}/search`, { spec: { priority: 1 } })],
    ['delete a profile', { method: 'DELETE', path: `${PROFILES}/search` }],
    ['write the status of a Node', patch('/api/v1/nodes/node-1/status', { status: { phase: 'Running' } })],
    ['create a Node', post('/api/v1/nodes', object('v1', 'Node', 'ghost'))],
    ['delete a Node', { method: 'DELETE', path: '/api/v1/nodes/node-2' }],
    ['read a Secret', { path: `/api/v1/namespaces/${NAMESPACE}/secrets/any` }],
    ['list Secrets', { path: '/api/v1/secrets' }],
    ['list pods', { path: '/api/v1/pods' }],
    ['exec into a pod', post(`/api/v1/namespaces/${NAMESPACE}/pods/any/exec?command=sh`, {})],
    ['reach a kubelet through the API server', { path: '/api/v1/nodes/node-1/proxy/configz' }],
    ['change another DaemonSet', patch(`${APPS}/daemonsets/another`, { metadata: { labels: { x: 'y' } } })],
    ['list DaemonSets of kube-system', { path: '/apis/apps/v1/namespaces/kube-system/daemonsets' }],
    [
      'create a revision elsewhere',
      post(
        '/apis/apps/v1/namespaces/default/controllerrevisions',
        object('apps/v1', 'ControllerRevision', 'r1', { revision: 1 }),
      ),
    ],
    ['list all Leases', { path: LEASES }],
    ['take another Lease', { method: 'PUT', path: `${LEASES}/another`, body: lease }],
    ['delete the Lease', { method: 'DELETE', path: `${LEASES}/sysctl-operator` }],
    [
      'delete the DaemonSet of the agent',
      { method: 'DELETE', path: `${APPS}/daemonsets/sysctl-operator-agent` },
    ],
    ['change a revision', patch(`${APPS}/controllerrevisions/known`, { revision: 10 })],
    ['delete all states', { method: 'DELETE', path: STATES }],
    ['evict a pod', post(`/api/v1/namespaces/${NAMESPACE}/pods/any/eviction`, {})],
    ['change its own Deployment', patch(`${APPS}/deployments/sysctl-operator`, { spec: { replicas: 0 } })],
    [
      'get a token of the agent',
      post(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts/sysctl-operator-agent/token`, {}),
    ],
    [
      'get itself more rights',
      patch('/apis/rbac.authorization.k8s.io/v1/clusterroles/sysctl-operator-manager', { rules: [] }),
    ],
    [
      'change its policy',
      {
        method: 'DELETE',
        path: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/sysctl-operator-manager-own-labels',
      },
    ],
  ])('%s', async (_what, call) => {
    expect(verdict(await scene.manager.call(call))).toBe('no right');
  });
});

describe('the agent may', () => {
  test.each<Row>([
    [
      'write the status of its own state',
      patch(`${STATES}/node-1/status`, {
        status: { observedRevision: 'r1', originals: { 'vm.swappiness': '60' } },
      }),
    ],
    [
      'watch its own state',
      { path: `${STATES}?fieldSelector=metadata.name%3Dnode-1&watch=true&timeoutSeconds=1` },
    ],
    ['read a revision', { path: `${APPS}/controllerrevisions/known` }],
    ['create an Event', post(EVENTS, event('by-agent'))],
  ])('%s', async (_what, call) => {
    expect(verdict(await scene.agent.call(call))).toBe('allowed');
  });
});

describe('the agent may not', () => {
  test.each<Row>([
    ['change the spec of its own state', patch(`${STATES}/node-1`, { spec: { revision: 'r9' } })],
    ['change the spec of another state', patch(`${STATES}/node-2`, { spec: { revision: 'r9' } })],
    ['create a state', post(STATES, state('node-9'))],
    ['delete a state', { method: 'DELETE', path: `${STATES}/node-1` }],
    ['read profiles', { path: PROFILES }],
    ['read Nodes', { path: '/api/v1/nodes/node-1' }],
    ['label its Node', label({ 'sysctl-operator.dev/agent': 'true' })],
    ['list revisions', { path: `${APPS}/controllerrevisions` }],
    [
      'create a revision',
      post(`${APPS}/controllerrevisions`, object('apps/v1', 'ControllerRevision', 'r2', { revision: 2 })),
    ],
    ['change the DaemonSet of the agent', patch(`${APPS}/daemonsets/sysctl-operator-agent`, { spec: {} })],
    ['list pods', { path: '/api/v1/pods' }],
    ['taint its Node', patchNode({ spec: { taints: [{ key: 'a', effect: 'NoExecute' }] } })],
    ['read the Lease', { path: `${LEASES}/sysctl-operator` }],
    ['list Secrets', { path: `/api/v1/namespaces/${NAMESPACE}/secrets` }],
    ['reach a kubelet through the API server', { path: '/api/v1/nodes/node-1/proxy/configz' }],
    [
      'get a token of the manager',
      post(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts/sysctl-operator-manager/token`, {}),
    ],
  ])('%s', async (_what, call) => {
    expect(verdict(await scene.agent.call(call))).toBe('no right');
  });
});

describe('a spec, a label or a finalizer that rides along with a status is left behind', () => {
  const metadata = { labels: { a: 'b' }, finalizers: ['example.com/x'] };
  test.each([
    ['agent', `${STATES}/node-1`, { metadata, spec: { revision: 'r9' }, status: { bootID: 'ride' } }],
    ['manager', `${PROFILES}/search`, { metadata, spec: { priority: 9 }, status: { observedGeneration: 9 } }],
  ] as const)('of the %s', async (who, path, body) => {
    const before = await scene.server.admin.must({ path });
    const answer = await scene[who].call(patch(`${path}/status`, body));
    expect(answer.body).toMatchObject({ status: body.status });
    expect(answer.body['spec']).toEqual(before['spec']);
    expect(answer.body).not.toHaveProperty('metadata.labels.a');
    expect(answer.body).not.toHaveProperty('metadata.finalizers');
  });
});

/** Whether a person with one of the roles may do that. */
async function may(user: string, verb: string, resource: string, subresource: string): Promise<unknown> {
  const resourceAttributes = { group: 'sysctl-operator.dev', verb, resource, subresource };
  const review = await scene.server.admin.must(
    post('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      ...object('authorization.k8s.io/v1', 'SubjectAccessReview', ''),
      spec: { user, resourceAttributes },
    }),
  );
  return (review['status'] as { allowed: boolean }).allowed;
}

describe('people', () => {
  beforeAll(async () => {
    for (const role of ['viewer', 'editor'])
      await scene.server.admin.must(
        post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
          ...object('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', role),
          roleRef: {
            apiGroup: 'rbac.authorization.k8s.io',
            kind: 'ClusterRole',
            name: `sysctl-operator-${role}`,
          },
          subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: role }],
        }),
      );
  });

  test.each([
    ['viewer', 'list', 'sysctlprofiles', '', true],
    ['viewer', 'get', 'nodesysctlstates', '', true],
    ['viewer', 'create', 'sysctlprofiles', '', false],
    ['viewer', 'patch', 'nodesysctlstates', '', false],
    ['editor', 'create', 'sysctlprofiles', '', true],
    ['editor', 'delete', 'sysctlprofiles', '', true],
    ['editor', 'patch', 'sysctlprofiles', 'status', false],
    ['editor', 'watch', 'nodesysctlstates', '', true],
    ['editor', 'patch', 'nodesysctlstates', '', false],
    ['editor', 'patch', 'nodesysctlstates', 'status', false],
    ['somebody', 'list', 'sysctlprofiles', '', false],
  ])('%s, %s %s %s: %s', async (user, verb, resource, subresource, allowed) => {
    expect(await may(user, verb, resource, subresource)).toBe(allowed);
  });
});
