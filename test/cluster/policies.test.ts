/** What RBAC cannot say and the two admission policies do. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { label, object, patch, patchNode, post, state, STATES, verdict } from './support/calls.ts';
import type { Call } from './support/client.ts';
import { operatorScene, type Scene } from './support/scene.ts';
import { inPodOn, NAMESPACE, unbound } from './support/service-accounts.ts';
import { until } from './support/wait.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await operatorScene();
}, 180_000);
afterAll(() => scene?.server.close());

const writeStatus = (name: string): Call => patch(`${STATES}/${name}/status`, { status: { bootID: 'x' } });

describe('of a Node the manager may change its own labels only', () => {
  const only = 'the operator may only change labels of a Node';
  test.each([
    ['taint', patchNode({ spec: { taints: [{ key: 'a', effect: 'NoExecute' }] } }), only],
    ['cordon', patchNode({ spec: { unschedulable: true } }), only],
    ['annotate', patchNode({ metadata: { annotations: { a: 'b' } } }), only],
    ['add a finalizer', patchNode({ metadata: { finalizers: ['example.com/x'] } }), only],
    [
      'add an owner',
      patchNode({ metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'x', uid: 'x' }] } }),
      only,
    ],
    [
      'add another label',
      label({ 'node-role.kubernetes.io/control-plane': '' }),
      'own node labels, not node-role.kubernetes.io/control-plane',
    ],
    [
      'change another label',
      label({ 'kubernetes.io/hostname': 'x' }),
      'own node labels, not kubernetes.io/hostname',
    ],
    [
      'remove another label',
      label({ 'kubernetes.io/hostname': null }),
      'own node labels, not kubernetes.io/hostname',
    ],
    [
      'use a label that looks like its own',
      label({ 'evil-profile.sysctl-operator.dev/x': 'ready' }),
      'own node labels, not evil-profile.sysctl-operator.dev/x',
    ],
    [
      'hide another label among its own',
      label({ 'sysctl-operator.dev/agent': 'true', 'a.b/c': 'd' }),
      'own node labels, not a.b/c',
    ],
  ] as const)('it cannot %s', async (_what, call, sentence) => {
    const { status, message } = await scene.manager.call(call);
    expect(status).toBe(403);
    expect(message).toContain("ValidatingAdmissionPolicy 'sysctl-operator-manager-own-labels'");
    expect(message).toContain(sentence);
  });
});

describe('an agent speaks for its own node only', () => {
  test('the agent on node-1 cannot write the status of node-2', async () => {
    const answer = await scene.agent.call(writeStatus('node-2'));
    expect(answer.status).toBe(403);
    expect(answer.message).toContain(
      'the agent on node node-1 may not write the NodeSysctlState of node node-2',
    );
  });

  test('the agent on node-2 can', async () => {
    const other = await inPodOn(scene.server, 'node-2', 'sysctl-operator-agent');
    expect((await other.call(writeStatus('node-2'))).status).toBe(200);
    expect((await other.call(writeStatus('node-1'))).status).toBe(403);
  });

  test('a token that is bound to no node writes nothing', async () => {
    const stolen = await unbound(scene.server, 'sysctl-operator-agent');
    const answer = await stolen.call(writeStatus('node-1'));
    expect(answer.status).toBe(403);
    expect(answer.message).toContain(
      'this token is not bound to a node; the agent must use the projected token of its own pod',
    );
  });
});

describe('it holds even where somebody has made them cluster admins', () => {
  const path = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
  beforeAll(async () => {
    await scene.server.admin.must(
      post(path, {
        ...object('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'too-much'),
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: ['agent', 'manager'].map((role) => ({
          kind: 'ServiceAccount',
          name: `sysctl-operator-${role}`,
          namespace: NAMESPACE,
        })),
      }),
    );
    for (const client of [scene.agent, scene.manager])
      await until(
        'the binding counts',
        async () => (await client.call({ path: '/api/v1/pods' })).status === 200,
      );
  });
  afterAll(() => scene.server.admin.must({ method: 'DELETE', path: `${path}/too-much` }));

  const statusOnly = 'the agent may only update the status of a NodeSysctlState';
  test.each([
    ['change the spec of its own state', patch(`${STATES}/node-1`, { spec: { revision: 'r9' } }), statusOnly],
    ['create a state', post(STATES, state('node-9')), statusOnly],
    ['delete a state', { method: 'DELETE', path: `${STATES}/node-1` }, statusOnly],
    ['delete all states', { method: 'DELETE', path: STATES }, statusOnly],
    [
      'write the status of another node',
      writeStatus('node-2'),
      'may not write the NodeSysctlState of node node-2',
    ],
  ] as const)('the agent cannot %s', async (_what, call, sentence) => {
    const answer = await scene.agent.call(call);
    expect(verdict(answer)).toBe('against policy');
    expect(answer.message).toContain(sentence);
  });

  test.each([
    ['create a Node', post('/api/v1/nodes', object('v1', 'Node', 'ghost'))],
    ['delete a Node', { method: 'DELETE', path: '/api/v1/nodes/node-2' }],
    ['write the status of a Node', patch('/api/v1/nodes/node-1/status', { status: { phase: 'Running' } })],
    ['cordon a Node', patchNode({ spec: { unschedulable: true } })],
  ] as const)('the manager cannot %s', async (_what, call) => {
    const answer = await scene.manager.call(call);
    expect(verdict(answer)).toBe('against policy');
    expect(answer.message).toContain('the operator may only change labels of a Node');
  });
});

describe('nobody else is bound by them', () => {
  test.each([
    [
      'cordon a Node',
      patchNode({ spec: { unschedulable: true } }),
      patchNode({ spec: { unschedulable: null } }),
    ],
    ['label a Node', label({ 'a.b/c': 'd' }), label({ 'a.b/c': null })],
    ['change a state', patch(`${STATES}/node-1`, { spec: { revision: 'r2' } }), writeStatus('node-1')],
  ] as const)('the user can %s', async (_what, call, undo) => {
    expect(verdict(await scene.server.admin.call(call))).toBe('allowed');
    expect(verdict(await scene.server.admin.call(undo))).toBe('allowed');
  });
});
