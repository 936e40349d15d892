/** The command line as a process, with users that may only read, on a real API server; states are made by hand. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import type { PlanData } from '../../operator/cli/plan/data.ts';
import { profile, sysctl } from '../unit/support/profiles.ts';
import type { TestApiServer } from './support/api-server.ts';
import {
  commandLine,
  commandLineThatGoesOn,
  nodeHolding,
  readerWith,
  runningPod,
  type Going,
  type Ran,
} from './support/command-line.ts';
import { patch, STATES } from './support/calls.ts';
import { until } from './support/wait.ts';
import { installed } from './support/installation.ts';
import { createProfile, PROFILES } from './support/profiles.ts';
import { createNode } from './support/service-accounts.ts';

const SPEC = `
nodeSelector: {}
sysctls:
- {name: vm.max_map_count, value: 262144}
- {name: kernel.msgmax, value: 65536}
`;
const search = profile('search', {
  sysctls: [sysctl('vm.max_map_count=262144'), sysctl('kernel.msgmax=65536')],
});
const file = (value: number, ...pods: string[]): string =>
  stringify({
    apiVersion: 'sysctl-operator.dev/v1alpha1',
    kind: 'SysctlProfile',
    metadata: { name: 'search' },
    spec: {
      nodeSelector: {},
      sysctls: [{ name: 'vm.max_map_count', value }],
      pods: { allowedUnsafeSysctls: pods },
    },
  });

let server: TestApiServer;
let planner: string;
let podless: string;
let viewer: string;
beforeAll(async () => {
  server = await installed();
  for (const name of ['node-1', 'node-2']) await createNode(server.admin, name);
  await createProfile(server.admin, 'search', SPEC);
  await nodeHolding(server, 'node-1', [search], {
    originals: { 'vm.max_map_count': '65530' },
    kubelet: { state: 'Synced', allowedUnsafeSysctls: ['kernel.msgmax'] },
  });
  await runningPod(server, 'db', 'node-1', ['kernel.msgmax']);
  // What view gets its rules from: nobody aggregates them here, because that takes a controller.
  planner = await readerWith(server, 'planner', 'sysctl-operator-planner', 'system:aggregate-to-view');
  podless = await readerWith(server, 'podless', 'sysctl-operator-planner');
  viewer = await readerWith(server, 'viewer', 'sysctl-operator-viewer');
}, 180_000);
afterAll(() => server?.close());

const asPlanner = (args: readonly string[], input?: string): Promise<Ran> =>
  commandLine([...args, '--kubeconfig', planner], input);
const plan = (text: string, ...args: string[]): Promise<Ran> => asPlanner(['plan', '-f', '-', ...args], text);

describe('plan, as a user who may only read', () => {
  test('goes from live to wanted where an agent has read the node, and says where none has', async () => {
    const { status, out } = await plan(file(524288, 'kernel.msgmax'), '-o', 'json');
    expect(status).toBe(2);
    const data = JSON.parse(out) as PlanData;
    expect(data).toMatchObject({ changes: true, fleet: 2, nodes: { matched: 2, change: 2, unread: 1 } });
    const keys = data.groups.map((g) => [g.nodes, g.keys[0]?.kind, g.keys[0]?.live]);
    expect(keys).toEqual(
      expect.arrayContaining([
        [['node-1'], 'write', '262144'],
        [['node-2'], 'unread', undefined],
      ]),
    );
  });

  test('names the running pod for which an entry of the list is held', async () => {
    const { status, out } = await plan(file(262144));
    expect(status).toBe(2);
    expect(out).toContain('held on 1 node: "kernel.msgmax" stays allowed as long as default/db runs');
  });

  test('says that running pods are not known to a user who may not list them', async () => {
    const { status, out } = await commandLine(['plan', '-f', '-', '--kubeconfig', podless], file(262144));
    expect([status, out]).toEqual([2, expect.stringContaining('you may not list pods')]);
  });

  test('of a profile of the cluster says what is still open', async () => {
    const { status, out } = await asPlanner(['plan', 'search', '-o', 'yaml']);
    expect(status).toBe(2);
    expect(out).toMatch(/change: 1\n/);
  });

  test('exits with 1 for an error: a context or a file that is not there, a right that is missing', async () => {
    const noContext = await asPlanner(['plan', 'search', '--context', 'nope']);
    expect(noContext).toMatchObject({ status: 1, err: expect.stringContaining('no context "nope"') });
    const noFile = await commandLine(['plan', 'search', '--kubeconfig', '/nowhere']);
    expect(noFile).toMatchObject({ status: 1, err: expect.stringContaining('/nowhere cannot be read') });
    const noRight = await commandLine(['plan', 'search', '--kubeconfig', viewer]);
    expect(noRight).toMatchObject({ status: 1, err: expect.stringContaining('sysctl-operator-planner') });
  });
});

test('status with the role viewer shows the profiles', async () => {
  const { status, out } = await commandLine(['status', '--kubeconfig', viewer]);
  expect([status, out]).toEqual([0, expect.stringMatching(/^search +Enforce +not seen yet/m)]);
});

const condition = (reason: string): object => ({
  status: {
    observedGeneration: 1,
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason,
        message: `${reason} of node-1`,
        observedGeneration: 1,
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ],
  },
});
const shows = (going: Going, text: RegExp): Promise<void> =>
  until(
    `${text}`,
    () => Promise.resolve(text.test(going.printed())),
    () => going.printed(),
  );

const told = (reason: string): Promise<unknown> =>
  server.admin.must(patch(`${PROFILES}/search/status`, condition(reason)));

describe('status --watch', () => {
  test('shows each change as the API server tells it, with the role viewer', async () => {
    const going = commandLineThatGoesOn(['status', '--watch', '--kubeconfig', viewer]);
    try {
      await shows(going, /^search /m);
      await told('Waiting');
      await shows(going, /\n--- .*Z\n(.*\n)+search +.* Waiting /);
      await told('Failed');
      await shows(going, /search: Failed of node-1/);
      expect(going.printed().match(/^PROFILE/gm)).toHaveLength(3);
    } finally {
      await going.end();
    }
  });

  test('of a node shows what its agent says', async () => {
    const going = commandLineThatGoesOn(['status', '--node', 'node-1', '--watch', '--kubeconfig', planner]);
    const drifted = {
      name: 'vm.max_map_count',
      live: '65530',
      state: 'Drifted',
      message: 'somebody wrote it',
    };
    try {
      await shows(going, /^vm\.max_map_count .* in sync$/m);
      await server.admin.must(patch(`${STATES}/node-1/status`, { status: { deviations: [drifted] } }));
      await shows(going, /somebody wrote it/);
      expect(going.printed()).toMatch(/^vm\.max_map_count .* Drifted$/m);
    } finally {
      await going.end();
      await server.admin.must(patch(`${STATES}/node-1/status`, { status: { deviations: null } }));
    }
  });
});

test('diff of a node shows what is live, what was there before and who decides', async () => {
  const { status, out } = await asPlanner(['diff', 'node-1']);
  expect(out).toMatch(/^vm\.max_map_count +262144 +262144 +65530 +search +in sync$/m);
  expect(status).toBe(0);
});

test('a profile that was adopted from a node changes nothing on it, and is one that the server takes', async () => {
  const adopted = await asPlanner(['adopt', 'node-1']);
  expect(adopted).toMatchObject({ status: 0, err: '' });
  expect(await plan(adopted.out)).toMatchObject({
    status: 0,
    out: expect.stringContaining('Nothing would change'),
  });
  const dryRun = await server.kubectl(['apply', '--dry-run=server', '-f', '-'], adopted.out);
  expect(dryRun).toMatchObject({ code: 0, stdout: expect.stringContaining('adopted-node-1 created') });
  expect((await asPlanner(['adopt', 'node-2'])).err).toContain('no agent has read node node-2');
});
