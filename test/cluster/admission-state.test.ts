import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NodeSysctlStateStatus } from '../../operator/api/state.ts';
import type { TestApiServer } from './support/api-server.ts';
import { installed, kubectl } from './support/installation.ts';

const STATES = '/apis/sysctl-operator.dev/v1alpha1/nodesysctlstates';
const MERGE = 'application/merge-patch+json';

let server: TestApiServer;
const create = (name: string, spec: object) =>
  server.admin.call({
    method: 'POST',
    path: STATES,
    body: { apiVersion: 'sysctl-operator.dev/v1alpha1', kind: 'NodeSysctlState', metadata: { name }, spec },
  });
const setStatus = (name: string, status: object) =>
  server.admin.call({
    method: 'PATCH',
    path: `${STATES}/${name}/status?fieldValidation=Strict`,
    body: { status },
    contentType: MERGE,
  });

beforeAll(async () => {
  server = await installed();
  await create('node-1', { revision: 'sysctl-7f9c2d41' });
}, 180_000);
afterAll(() => server?.close());

/** Every field that the agent can write. */
const everything: Required<NodeSysctlStateStatus> = {
  observedRevision: 'sysctl-7f9c2d41',
  bootID: '5f0c4d6e-0f5c-4b7e-9f0e-2f1f6c3d9a10',
  kernelRelease: '6.18.1',
  kernel: {
    digest: 'dc9f27ffc385a6b9',
    differences: {
      missing: ['net.ipv4.vs.*'],
      notWritable: ['vm.max_map_count'],
      own: ['net.core.netdev_max_backlog'],
      absent: ['net.core.somaxconn'],
      readOnly: ['net.ipv4.conf.*.forwarding'],
      shared: ['kernel.sem'],
    },
    more: 3,
  },
  sysctls: { inSync: 12, drifted: 0, failed: 1, unsupported: 0, foreign: 0 },
  deviations: (['Drifted', 'Failed', 'Unsupported', 'Foreign', 'Contested', 'RolledBack'] as const).map(
    (state) => ({
      name: 'net.ipv4.conf.eth0/100.rp_filter',
      desired: '1',
      live: '0',
      state,
      message: 'EINVAL: the kernel refused "1"',
    }),
  ),
  originals: { 'vm.max_map_count': '65530', 'net/ipv4': '' },
  kubelet: {
    state: 'Held',
    allowedUnsafeSysctls: ['kernel.msgmax'],
    configPath: '/etc/kubernetes/kubelet.conf.d/99-sysctl-operator.conf',
    message: 'kernel.msgmax is used by pod default/a',
  },
  conditions: [
    {
      type: 'Ready',
      status: 'False',
      observedGeneration: 1,
      lastTransitionTime: '2026-01-01T00:00:00Z',
      reason: 'SysctlFailed',
      message: 'one sysctl failed',
    },
  ],
};

test('everything that an agent can report is kept as it is', async () => {
  const answer = await setStatus('node-1', everything);
  expect(answer.message).toBe('');
  expect(answer.body['status']).toEqual(everything);
});

const apply = (originals: object) =>
  server.admin.must({
    method: 'PATCH',
    path: `${STATES}/node-1/status?fieldManager=agent&force=true`,
    body: JSON.stringify({
      apiVersion: 'sysctl-operator.dev/v1alpha1',
      kind: 'NodeSysctlState',
      metadata: { name: 'node-1' },
      status: { originals },
    }),
    contentType: 'application/apply-patch+yaml',
  });

test('originals are replaced as a whole by an apply', async () => {
  await apply({ 'vm.swappiness': '60' });
  const after = await apply({ 'vm.max_map_count': '65530' });
  expect(after).toHaveProperty('status.originals', { 'vm.max_map_count': '65530' });
});

describe('a state that cannot be is refused', () => {
  test.each([
    ['no revision', {}, 'spec.revision: Required value'],
    [
      'an empty revision',
      { revision: '' },
      'spec.revision: Invalid value: "": spec.revision in body should be at least 1 chars long',
    ],
    [
      'a revision that is no label value',
      { revision: 'x'.repeat(64) },
      'spec.revision: Too long: may not be more than 63 bytes',
    ],
  ])('%s', async (_what, spec, message) => {
    const answer = await create('refused', spec);
    expect(answer.status).toBe(422);
    expect(answer.message).toContain(message);
  });

  test.each([
    [
      '101 deviations',
      { deviations: Array.from({ length: 101 }, () => ({ name: 'vm.x', state: 'Failed' })) },
      'status.deviations: Too many: 101: must have at most 100 items',
    ],
    [
      'a deviation that is none',
      { deviations: [{ name: 'vm.x', state: 'InSync' }] },
      'status.deviations[0].state: Unsupported value: "InSync"',
    ],
    [
      'an unknown state of the kubelet',
      { kubelet: { state: 'Restarting' } },
      'status.kubelet.state: Unsupported value: "Restarting"',
    ],
  ])('%s', async (_what, status, message) => {
    const answer = await setStatus('node-1', status);
    expect(answer.status).toBe(422);
    expect(answer.message).toContain(message);
  });
});

test('a status that is written with the spec is ignored', async () => {
  await server.admin.must({
    method: 'PATCH',
    path: `${STATES}/node-1`,
    body: { status: { observedRevision: 'other' } },
    contentType: MERGE,
  });
  const { body } = await server.admin.call({ path: `${STATES}/node-1` });
  expect(body).not.toHaveProperty('status.observedRevision', 'other');
});

test('kubectl prints what one wants to see first', async () => {
  await setStatus('node-1', everything);
  const table = await kubectl(server, ['get', 'nss', '-o', 'wide']);
  expect(table.split('\n')[0]?.split(/\s{2,}/)).toEqual([
    'NAME',
    'READY',
    'REASON',
    'REVISION',
    'OBSERVED',
    'KUBELET',
    'KERNEL',
    'AGE',
  ]);
  expect(table).toMatch(/node-1 +False +SysctlFailed +sysctl-7f9c2d41 +sysctl-7f9c2d41 +Held +6\.18\.1/);
});

test('states that lag behind can be selected', async () => {
  await create('node-2', { revision: 'sysctl-other' });
  const names = await kubectl(server, [
    'get',
    'nss',
    '-o',
    'name',
    '--field-selector',
    'status.observedRevision!=sysctl-7f9c2d41',
  ]);
  expect(names.trim()).toBe('nodesysctlstate.sysctl-operator.dev/node-2');
});
