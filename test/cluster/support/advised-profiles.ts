import type { SysctlEntry, SysctlProfileSpec } from '../../../operator/api/profile.ts';

const sysctls = (...entries: SysctlEntry[]): SysctlProfileSpec => ({ nodeSelector: {}, sysctls: entries });
const patterns = (...allowedUnsafeSysctls: string[]): SysctlProfileSpec => ({
  nodeSelector: {},
  pods: { allowedUnsafeSysctls },
});

const NOT_PODS = 'the value of the node does not reach pods; they set their own in securityContext.sysctls';
const NEW_PODS = 'new pods start with the value of the node; pods that run already keep theirs';
const ASKED =
  'written nowhere: pods set their own in securityContext.sysctls; say scope Pod if you mean that, scope Node for the value of the node';
const KUBE_PROXY = 'kube-proxy sets it too: give it the same value there, or 0';
const WHOLE_NODE =
  'a pod can set net.netfilter.nf_hooks_lwtunnel with it, which changes the whole node until its next boot';
const TOO_WIDE =
  'also allows what no container runtime can set in a pod; such a pod stays in ContainerCreating';

export type Warned = readonly [what: string, spec: SysctlProfileSpec, ...warnings: string[]];

/** The exact texts, in their order. */
export const warned: readonly Warned[] = [
  [
    'a value of the node that pods do not have',
    sysctls(
      { name: 'net.core.somaxconn', value: 4096, scope: 'Node' },
      { name: 'kernel/msgmax', value: 65_536, scope: 'Node' },
    ),
    `spec.sysctls (net.core.somaxconn, kernel/msgmax): ${NOT_PODS}`,
  ],
  [
    'a value of the node that only new pods take over',
    sysctls({ name: 'net.ipv4.tcp_rmem', value: '4096 131072 16777216', scope: 'Node' }),
    `spec.sysctls (net.ipv4.tcp_rmem): ${NEW_PODS}`,
  ],
  [
    'a value that nobody writes',
    sysctls({ name: 'kernel.msgmax', value: 65_536 }),
    `spec.sysctls (kernel.msgmax): ${ASKED}`,
  ],
  [
    "a key of the kubelet's that is acknowledged",
    { ...sysctls({ name: 'vm.overcommit_memory', value: 2 }), acknowledgeRisks: ['vm/overcommit_memory'] },
    'spec.sysctls (vm.overcommit_memory): the kubelet sets it again at every start, and with protectKernelDefaults does not start when it differs',
  ],
  [
    'guarded keys that are not acknowledged',
    {
      ...sysctls({ name: 'vm.panic_on_oom', value: 0 }, { name: 'vm/drop_caches', value: 3 }),
      acknowledgeRisks: ['kernel.panic'],
    },
    'spec.sysctls (vm.panic_on_oom because the kubelet owns it, sets it at every start, and with protectKernelDefaults does not start when it differs, vm/drop_caches because writing it starts an action; it holds no value that could be kept): left out until spec.acknowledgeRisks names it',
  ],
  [
    "a key of kube-proxy's",
    sysctls({ name: 'net.netfilter.nf_conntrack_max', value: 1_048_576 }),
    `spec.sysctls (net.netfilter.nf_conntrack_max): ${KUBE_PROXY}`,
  ],
  [
    'a pair of which each sets the other to 0',
    sysctls({ name: 'vm.dirty_bytes', value: 100_000_000 }, { name: 'vm.dirty_ratio', value: '10' }),
    'spec.sysctls (vm.dirty_bytes with vm.dirty_ratio): the kernel sets one to 0 when the other is written; keep one of the two',
  ],
  [
    'two names of one value',
    sysctls(
      { name: 'fs.inotify.max_user_watches', value: 1 },
      { name: 'user.max_inotify_watches', value: 2 },
    ),
    'spec.sysctls (fs.inotify.max_user_watches with user.max_inotify_watches): two names of one value, given different values; keep one of the two',
  ],
  [
    'everything of the network',
    patterns('net.*'),
    `spec.pods.allowedUnsafeSysctls (net.*): ${WHOLE_NODE}`,
    `spec.pods.allowedUnsafeSysctls (net.* such as net.core.rmem_max): ${TOO_WIDE}`,
  ],
  [
    'patterns and a name that admit more than a runtime can set',
    patterns('kernel.shm*', 'net/ipv4/*', 'net.core.rmem_max', 'net.core.somaxconn'),
    'spec.pods.allowedUnsafeSysctls (net.core.rmem_max): no container runtime can set it in a pod; such a pod stays in ContainerCreating',
    `spec.pods.allowedUnsafeSysctls (kernel.shm* such as kernel.shm_next_id, net/ipv4/* such as net.ipv4.tcp_mem): ${TOO_WIDE}`,
  ],
  [
    'more keys than one wants to read',
    sysctls(
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((i): SysctlEntry => ({
        name: `net.ipv4.x${i}`,
        value: 1,
        scope: 'Node',
      })),
    ),
    `spec.sysctls (net.ipv4.x1, net.ipv4.x2, net.ipv4.x3, net.ipv4.x4, net.ipv4.x5, net.ipv4.x6, net.ipv4.x7, net.ipv4.x8 and 2 more): ${NOT_PODS}`,
  ],
];

export const cleanProfiles: readonly (readonly [what: string, spec: SysctlProfileSpec])[] = [
  [
    'what belongs to the node',
    sysctls(
      { name: 'vm.max_map_count', value: 262_144 },
      { name: 'fs/inotify/max_user_instances', value: 8192, match: 'AtLeast' },
      { name: 'net.core.rmem_max', value: 16_777_216 },
      { name: 'net.ipv4.neigh.default.gc_thresh3', value: 65_536 },
      { name: 'kernel.pid_max', value: 4_194_304 },
    ),
  ],
  [
    'what pods are allowed on purpose',
    sysctls(
      { name: 'kernel.msgmax', value: 65_536, scope: 'Pod' },
      { name: 'net.core.somaxconn', value: 4096, scope: 'Pod' },
    ),
  ],
  [
    'an interface of the node',
    sysctls({ name: 'net/ipv4/conf/eth0.100/rp_filter', value: 2, scope: 'Node' }),
  ],
  [
    'a pair of which one is 0',
    sysctls({ name: 'vm.dirty_bytes', value: 1 }, { name: 'vm.dirty_ratio', value: 0 }),
  ],
  ['patterns of what pods can have', patterns('fs.mqueue.*', 'net.ipv4.tcp_keepalive_*', 'kernel.sem')],
];

/** Each says in its comments why. */
export const sampleWarnings: Readonly<Record<string, readonly string[]>> = {
  conntrack: [
    `spec.sysctls (net.netfilter.nf_conntrack_max, net.netfilter.nf_conntrack_tcp_timeout_established, net.netfilter.nf_conntrack_tcp_timeout_close_wait): ${KUBE_PROXY}`,
  ],
  elasticsearch: [],
  ingress: [
    `spec.sysctls (net.ipv4.tcp_rmem, net.ipv4.tcp_wmem): ${NEW_PODS}`,
    `spec.sysctls (net.core.somaxconn, net.ipv4.tcp_max_syn_backlog, net.ipv4.ip_local_port_range, net.ipv4.ip_local_reserved_ports, net.ipv4.tcp_tw_reuse, net.ipv4.tcp_fin_timeout, net.ipv4.tcp_slow_start_after_idle): ${NOT_PODS}`,
  ],
  postgresql: [],
  redis: [],
};
