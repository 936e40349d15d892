/** What RBAC cannot say and the two admission policies do. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { label, object, patch, patchNode, post, STATES } from './support/calls.ts';
import type { Call } from './support/client.ts';
import { operatorScene, type Scene } from './support/scene.ts';
import { inPodOn, NAMESPACE, unbound } from './support/service-accounts.ts';

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

  test('it holds even where somebody has made the agent a cluster admin', async () => {
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
    await scene.server.admin.must(
      post(path, {
        ...object('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'too-much'),
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'ServiceAccount', name: 'sysctl-operator-agent', namespace: NAMESPACE }],
      }),
    );
    try {
      while ((await scene.agent.call({ path: '/api/v1/pods' })).status !== 200) await sleep(50);
      const answer = await scene.agent.call(patch(`${STATES}/node-1`, { spec: { revision: 'r9' } }));
      expect(answer.status).toBe(403);
      expect(answer.message).toContain('the agent may only update the status of a NodeSysctlState');
      expect((await scene.agent.call(writeStatus('node-2'))).status).toBe(403);
      expect((await scene.agent.call({ method: 'DELETE', path: `${STATES}/node-1` })).status).toBe(403);
    } finally {
      await scene.server.admin.must({ method: 'DELETE', path: `${path}/too-much` });
    }
  });
});
