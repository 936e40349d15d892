import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TestApiServer } from './support/api-server.ts';
import { installed } from './support/installation.ts';
import {
  guardedProfiles,
  malformedProfiles,
  podScopeProfiles,
  type Malformed,
} from './support/malformed-profiles.ts';
import { createProfile, patterns, profileYaml, PROFILES, sysctls } from './support/profiles.ts';

let server: TestApiServer;
beforeAll(async () => {
  server = await installed();
}, 180_000);
afterAll(() => server?.close());

let count = 0;
const isRefused = async (spec: string, messages: readonly string[]): Promise<void> => {
  const { status, message } = await createProfile(server.admin, `refused-${++count}`, spec);
  expect([400, 422]).toContain(status);
  for (const sentence of messages) expect(message).toContain(sentence);
};
const named = (table: readonly Malformed[]) =>
  table.map(([mistake, spec, ...messages]) => ({ mistake, spec, messages }));

describe('a malformed profile is refused with the path and a sentence that helps', () => {
  test.each(named(malformedProfiles))('$mistake', ({ spec, messages }) => isRefused(spec, messages));
});
describe('a guarded sysctl is refused unless it is acknowledged', () => {
  test.each(named(guardedProfiles))('$mistake', ({ spec, messages }) => isRefused(spec, messages));
});
describe('scope Pod is refused where a pod cannot have its own value', () => {
  test.each(named(podScopeProfiles))('$mistake', ({ spec, messages }) => isRefused(spec, messages));
});

test('a name that is too long for the node label is refused', async () => {
  const { status, message } = await createProfile(
    server.admin,
    'x'.repeat(64),
    sysctls('{name: vm.swappiness, value: 1}'),
  );
  expect(status).toBe(422);
  expect(message).toContain(
    'metadata.name must have at most 63 characters: it becomes part of the node label profile.sysctl-operator.dev/<name>',
  );
});

test('kubectl shows the sentence', async () => {
  const yaml = profileYaml('shown', sysctls('{name: net.core.rmem_max, value: 1, scope: Pod}'));
  const { code, stderr } = await server.kubectl(['apply', '-f', '-'], yaml);
  expect(code).toBe(1);
  expect(stderr).toBe(
    'The SysctlProfile "shown" is invalid: spec.sysctls[0].scope: Invalid value: a pod can read this one but not write it: it shows the value of the node; use scope Node\n',
  );
});

const long = (i: number): string =>
  `{name: net/core/${'x'.repeat(70)}_${i}, value: 1, scope: ${i % 2 ? 'Pod' : 'Auto'}}`;
const oddButGood: [what: string, spec: string][] = [
  [
    'the example of the documentation',
    `nodeSelector: {matchLabels: {workload: search}}
priority: 10
mode: Enforce
sysctls:
- {name: vm.max_map_count, value: 262144}
- {name: fs.inotify.max_user_instances, value: 8192, match: AtLeast}
- {name: kernel.msgmax, value: 65536}
- {name: net.core.somaxconn, value: 4096, scope: Node}
- {name: net.netfilter.nf_conntrack_max, value: 1048576, optional: true}
pods: {allowedUnsafeSysctls: ['net.ipv4.tcp_*']}
rollout: {maxUnavailable: 10%, canary: {nodes: 1, soakSeconds: 60}, paused: false, confirmTimeoutSeconds: 60, onFailure: Rollback}
driftPolicy: Correct
removalPolicy: Restore`,
  ],
  [
    'interfaces with dots, capitals and signs',
    sysctls(
      '{name: net/ipv4/conf/eth0.100/rp_filter, value: 1}',
      '{name: net.ipv4.conf.eth1/200.rp_filter, value: 1}',
      '{name: net.ipv4.conf.Eth0_x.rp_filter, value: 1}',
      '{name: net/ipv6/neigh/br-1a+b@x/gc_stale_time, value: 60}',
    ),
  ],
  ['a key with capitals', sysctls('{name: kernel.numa_balancing_promote_rate_limit_MBps, value: 1}')],
  [
    'one key for the node and for pods',
    sysctls(
      '{name: net.core.somaxconn, value: 1024, scope: Node}',
      '{name: net/core/somaxconn, value: 4096, scope: Pod}',
    ),
  ],
  [
    'texts, an empty value, a tab, an unsigned 64-bit bound',
    `${sysctls(
      '{name: kernel.shmmax, value: "18446744073692774399", match: AtLeast}',
      '{name: kernel.core_pattern, value: "|/usr/bin/core %p"}',
      '{name: kernel/modprobe, value: ""}',
      String.raw`{name: kernel.sem, value: "250\t32000 32 128"}`,
    )}acknowledgeRisks: [kernel/core_pattern, kernel.modprobe]`,
  ],
  [
    'every kind of pattern that a kubelet takes',
    patterns(
      "['net.*', 'net/core/som*', 'kernel.shm*', 'kernel.msg*', kernel.sem, 'kernel.sem*', kernel.shm, 'fs.mqueue.*', fs/mqueue/msg_max, net.ipv4.conf.eth0/1.forwarding, net.bogus.name, 'net.ipv4.tcp_*']",
    ),
  ],
  [
    'every operator of a selector',
    `nodeSelector: {matchLabels: {node-role.kubernetes.io/x: ""}, matchExpressions: [{key: a, operator: In, values: [x, w]}, {key: b.c/d, operator: NotIn, values: [z]}, {key: e, operator: Exists}, {key: f, operator: DoesNotExist, values: []}]}
sysctls: [{name: vm.swappiness, value: 1}]`,
  ],
  ['256 long entries in slashes', sysctls(...Array.from({ length: 256 }, (_, i) => long(i)))],
  [
    'a negative value, three nodes at once, only planned',
    `${sysctls('{name: kernel.sched_rt_runtime_us, value: -1}')}mode: Plan\nrollout: {maxUnavailable: 3}`,
  ],
  [
    'integers that YAML reads in other bases',
    sysctls(
      '{name: vm.a_b, value: 010}',
      '{name: vm.a_c, value: 0x1000}',
      '{name: vm.a_d, value: 1_000}',
      '{name: vm.a_e, value: 4e3}',
    ),
  ],
  [
    'keys that a pod has for itself',
    sysctls(
      ...[
        'kernel.sem',
        'kernel/shm_rmid_forced',
        'fs.mqueue.msg_max',
        'net.ipv4.conf.eth0/1.rp_filter',
        'net.ipv4.neigh.eth0.gc_stale_time',
        'net.ipv4.route.mtu_expires',
      ].map((name) => `{name: ${name}, value: 1, scope: Pod}`),
    ),
  ],
  [
    'an acknowledged key in the other spelling',
    `${sysctls('{name: net/netfilter/nf_hooks_lwtunnel, value: 1}')}acknowledgeRisks: [net.netfilter.nf_hooks_lwtunnel, vm.panic_on_oom]`,
  ],
];

describe('an odd but good profile is accepted', () => {
  test.each(oddButGood)('%s', async (_what, spec) => {
    const name = `accepted-${++count}`;
    const answer = await createProfile(server.admin, name, spec);
    expect(answer.message).toBe('');
    expect(answer.status).toBe(201);
    await server.admin.must({ method: 'DELETE', path: `${PROFILES}/${name}` });
  });
});

test('defaults are written into what is stored', async () => {
  const { body } = await createProfile(server.admin, 'defaults', sysctls('{name: vm.swappiness, value: 1}'));
  expect(body['spec']).toEqual({
    nodeSelector: {},
    priority: 0,
    mode: 'Enforce',
    sysctls: [{ name: 'vm.swappiness', value: 1, match: 'Exact', scope: 'Auto', optional: false }],
    rollout: { maxUnavailable: 1, paused: false, confirmTimeoutSeconds: 60, onFailure: 'Rollback' },
    driftPolicy: 'Correct',
    removalPolicy: 'Restore',
  });
});

test('a canary soaks for a minute unless it says otherwise', async () => {
  const spec = `${sysctls('{name: vm.swappiness, value: 1}')}rollout: {canary: {nodes: 2}}`;
  const { body } = await createProfile(server.admin, 'canary-default', spec);
  expect(body).toHaveProperty('spec.rollout.canary', { nodes: 2, soakSeconds: 60 });
});
