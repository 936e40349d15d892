import { patterns, sysctls } from './profiles.ts';

const long = (i: number): string =>
  `{name: net/core/${'x'.repeat(70)}_${i}, value: 1, scope: ${i % 2 ? 'Pod' : 'Auto'}}`;
/** As much as the limits of the definition take: the budget of its rules must be enough at run time too. */
const longest = (i: number): string => {
  const start = `net/ipv4/conf/${i}.`;
  const name = `${start}${'x'.repeat(253 - start.length - 2)}/y`;
  return `{name: ${name}, value: '${'9 '.repeat(2046)}99', scope: ${i % 2 ? 'Pod' : 'Auto'}}`;
};

/** What is odd, and the spec: all of it must be accepted. */
export const oddProfiles: readonly (readonly [what: string, spec: string])[] = [
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
  ['256 entries that are as long as can be', sysctls(...Array.from({ length: 256 }, (_, i) => longest(i)))],
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
