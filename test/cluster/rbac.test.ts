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
  post,
  state,
  STATES,
} from './support/calls.ts';
import type { Answer, Call } from './support/client.ts';
import { PROFILES } from './support/profiles.ts';
import { operatorScene, type Scene } from './support/scene.ts';
import { NAMESPACE } from './support/service-accounts.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await operatorScene();
}, 180_000);
afterAll(() => scene?.server.close());

type Row = readonly [what: string, call: Call];

const isAllowed = (answer: Answer): void => {
  expect(answer.message).toBe('');
  expect([200, 201]).toContain(answer.status);
};
const isForbidden = (answer: Answer): void => {
  expect(answer.status).toBe(403);
  expect(answer.message).toMatch(/forbidden/i);
};

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
    ['create the Lease', post(LEASES, lease)],
    ['renew the Lease', patch(`${LEASES}/sysctl-operator`, { spec: { holderIdentity: 'b' } })],
    ['create an Event', post(EVENTS, event('by-manager'))],
  ])('%s', async (_what, call) => {
    isAllowed(await scene.manager.call(call));
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
    ['take another Lease', patch(`${LEASES}/another`, { spec: { holderIdentity: 'b' } })],
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
    isForbidden(await scene.manager.call(call));
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
    isAllowed(await scene.agent.call(call));
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
    ['list Secrets', { path: `/api/v1/namespaces/${NAMESPACE}/secrets` }],
    ['reach a kubelet through the API server', { path: '/api/v1/nodes/node-1/proxy/configz' }],
    [
      'get a token of the manager',
      post(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts/sysctl-operator-manager/token`, {}),
    ],
  ])('%s', async (_what, call) => {
    isForbidden(await scene.agent.call(call));
  });
});
