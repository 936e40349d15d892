import { patterns, sysctls } from './profiles.ts';

const NAME =
  'must be a sysctl name as in sysctl.d(5), for example vm.max_map_count or net/ipv4/conf/eth0.100/rp_filter; no blanks, globs, "=", leading "-", and no empty or ".." parts';
const INTERFACE =
  'net.ipv4|ipv6.conf|neigh takes one interface and one key; write an interface that has a dot as net/ipv4/conf/eth0.100/rp_filter or net.ipv4.conf.eth0/100.rp_filter';
const VALUE = 'must be printable ASCII on one line, without blanks at either end';
const INTEGER = 'AtLeast and AtMost need a single decimal integer';
const PATTERN =
  'must be a sysctl name or a prefix with one "*" at its very end, lower case, such as net.core.somaxconn or net.ipv4.tcp_*';
const NAMESPACED =
  'the kubelet does not know this as namespaced and would not start: allowed are net.*, fs.mqueue.*, kernel.sem, kernel.shm*, kernel.shm{all,max,mni,_rmid_forced}, kernel.msg*, kernel.msg{max,mnb,mni}';
const UNAVAILABLE = 'must be an integer of at least 1 or a percentage from 1% to 100%';
const typeError = (got: string): string =>
  `spec.sysctls[0].value: Invalid value: "${got}": spec.sysctls[0].value in body must be of type integer,string: "${got}"`;
const name = (value: string): string => `spec.sysctls[0].name: Invalid value: "${value}": ${NAME}`;
const pattern = (index: number, value: string, why: string): string =>
  `spec.pods.allowedUnsafeSysctls[${index}]: Invalid value: "${value}": ${why}`;
const ok = '{name: vm.swappiness, value: 1}';

/** What is wrong, the spec, and what the API server must say: path and sentence. */
export type Malformed = readonly [mistake: string, spec: string, ...messages: string[]];

export const malformedProfiles: readonly Malformed[] = [
  ['no node selector', `sysctls:\n- ${ok}`, 'spec.nodeSelector: Required value'],
  [
    'nothing to set',
    'nodeSelector: {}',
    'spec: Invalid value: at least one entry in spec.sysctls or spec.pods.allowedUnsafeSysctls is required',
  ],
  ['a name without a separator', sysctls('{name: swappiness, value: 1}'), name('swappiness')],
  ['a blank in a name', sysctls("{name: 'vm. swappiness', value: 1}"), name('vm. swappiness')],
  [
    'a glob in a name',
    sysctls("{name: 'net.ipv4.conf.*.rp_filter', value: 1}"),
    name('net.ipv4.conf.*.rp_filter'),
  ],
  [
    'a way out of /proc/sys',
    sysctls("{name: 'net/../../etc/passwd', value: 1}"),
    name('net/../../etc/passwd'),
  ],
  ["sysctl.d's leading dash", sysctls("{name: '-vm.swappiness', value: 1}"), name('-vm.swappiness')],
  ['a file name', sysctls('{name: /proc/sys/vm/swappiness, value: 1}'), name('/proc/sys/vm/swappiness')],
  ['an assignment as name', sysctls("{name: 'vm.swappiness=1', value: 1}"), name('vm.swappiness=1')],
  [
    'an interface with a dot in dots',
    sysctls('{name: net.ipv4.conf.eth0.100.rp_filter, value: 1}'),
    `spec.sysctls[0].name: Invalid value: "net.ipv4.conf.eth0.100.rp_filter": ${INTERFACE}`,
  ],
  [
    'a key twice',
    sysctls(ok, '{name: vm.swappiness, value: 2}'),
    'spec.sysctls[1]: Duplicate value: {"name":"vm.swappiness","scope":"Auto"}',
  ],
  [
    'a key twice in two spellings',
    sysctls('{name: net.core.somaxconn, value: 1}', '{name: net/core/somaxconn, value: 2}'),
    'spec.sysctls: Invalid value: net.core.somaxconn is listed twice with the same scope, once with dots and once with slashes',
  ],
  [
    'an interface twice in two spellings',
    sysctls(
      '{name: net/ipv4/conf/eth0.100/rp_filter, value: 1}',
      '{name: net.ipv4.conf.eth0/100.rp_filter, value: 2}',
    ),
    'spec.sysctls: Invalid value: net/ipv4/conf/eth0.100/rp_filter is listed twice with the same scope, once with dots and once with slashes',
  ],
  [
    'Auto beside another scope',
    sysctls('{name: net/core/somaxconn, value: 1}', '{name: net.core.somaxconn, value: 1, scope: Node}'),
    'spec.sysctls: Invalid value: a sysctl with scope Auto may not be listed again with scope Node or Pod',
  ],
  [
    'a second line in a value',
    sysctls(String.raw`{name: vm.swappiness, value: "1\nkernel.core_pattern = |/x"}`),
    String.raw`spec.sysctls[0].value: Invalid value: "1\nkernel.core_pattern = |/x": ${VALUE}`,
  ],
  [
    'a NUL in a value',
    sysctls(String.raw`{name: vm.swappiness, value: "1\0"}`),
    String.raw`spec.sysctls[0].value: Invalid value: "1\x00": ${VALUE}`,
  ],
  [
    'a blank after a value',
    sysctls("{name: vm.swappiness, value: '1 '}"),
    `spec.sysctls[0].value: Invalid value: "1 ": ${VALUE}`,
  ],
  [
    'a wide digit',
    sysctls("{name: vm.swappiness, value: '１'}"),
    `spec.sysctls[0].value: Invalid value: "１": ${VALUE}`,
  ],
  ['an unquoted on', sysctls('{name: net.ipv4.ip_forward, value: on}'), typeError('boolean')],
  ['a fraction', sysctls('{name: vm.swappiness, value: 1.5}'), typeError('number')],
  [
    'an unquoted integer above int64',
    sysctls('{name: kernel.shmmax, value: 18446744073692774399}'),
    typeError('number'),
  ],
  ['a list as value', sysctls('{name: kernel.sem, value: [250, 32000, 32, 128]}'), typeError('array')],
  ['no value', sysctls('{name: vm.swappiness}'), 'spec.sysctls[0].value: Required value'],
  ['null as value', sysctls('{name: vm.swappiness, value: null}'), 'spec.sysctls[0].value: Required value'],
  [
    '4096 characters',
    sysctls(`{name: vm.swappiness, value: ${'x'.repeat(4096)}}`),
    'spec.sysctls[0].value: Too long: may not be more than 4094 bytes',
  ],
  [
    'a bound of three values',
    sysctls('{name: net.ipv4.tcp_rmem, value: 4096 87380 6291456, match: AtLeast}'),
    `spec.sysctls[0].value: Invalid value: ${INTEGER}`,
  ],
  [
    'a bound of a word',
    sysctls('{name: net.ipv4.tcp_congestion_control, value: bbr, match: AtMost}'),
    `spec.sysctls[0].value: Invalid value: ${INTEGER}`,
  ],
  [
    'an unknown match',
    sysctls('{name: vm.swappiness, value: 1, match: Minimum}'),
    'spec.sysctls[0].match: Unsupported value: "Minimum": supported values: "Exact", "AtLeast", "AtMost"',
  ],
  [
    'an unknown scope',
    sysctls('{name: vm.swappiness, value: 1, scope: Host}'),
    'spec.sysctls[0].scope: Unsupported value: "Host": supported values: "Auto", "Node", "Pod"',
  ],
  [
    '257 entries',
    sysctls(...Array.from({ length: 257 }, (_, i) => `{name: vm.k${i}, value: 1}`)),
    'spec.sysctls: Too many: 257: must have at most 256 items',
  ],
  [
    'a misspelt field',
    sysctls('{name: vm.swappiness, value: 1, matches: AtLeast}'),
    'SysctlProfile in version "v1alpha1" cannot be handled as a SysctlProfile: strict decoding error: unknown field "spec.sysctls[0].matches"',
  ],
  ['a bare star for pods', patterns("['*']"), pattern(0, '*', NAMESPACED)],
  [
    'patterns that the kubelet does not know',
    patterns("[net.core.somaxconn, 'kernel.*', vm.max_map_count, 'kernel.shm_*']"),
    pattern(1, 'kernel.*', NAMESPACED),
    pattern(2, 'vm.max_map_count', NAMESPACED),
    pattern(3, 'kernel.shm_*', NAMESPACED),
  ],
  [
    'patterns that are none',
    patterns("['net.ipv4.*.foo', Net.core.x, 'net*']"),
    pattern(0, 'net.ipv4.*.foo', PATTERN),
    pattern(1, 'Net.core.x', PATTERN),
    pattern(1, 'Net.core.x', NAMESPACED),
    pattern(2, 'net*', NAMESPACED),
  ],
  [
    'no node at once',
    `${sysctls(ok)}rollout: {maxUnavailable: 0}`,
    `spec.rollout.maxUnavailable: Invalid value: 0: ${UNAVAILABLE}`,
  ],
  [
    'more than all nodes',
    `${sysctls(ok)}rollout: {maxUnavailable: 150%}`,
    `spec.rollout.maxUnavailable: Invalid value: "150%": ${UNAVAILABLE}`,
  ],
  [
    'a canary of nobody',
    `${sysctls(ok)}rollout: {canary: {nodes: 0}}`,
    'spec.rollout.canary.nodes: Invalid value: 0: spec.rollout.canary.nodes in body should be greater than or equal to 1',
  ],
  [
    'a confirm timeout of a second',
    `${sysctls(ok)}rollout: {confirmTimeoutSeconds: 1}`,
    'spec.rollout.confirmTimeoutSeconds: Invalid value: 1: spec.rollout.confirmTimeoutSeconds in body should be greater than or equal to 10',
  ],
  [
    'an operator in lower case',
    `nodeSelector: {matchExpressions: [{key: pool, operator: in, values: [a]}]}\nsysctls: [${ok}]`,
    'spec.nodeSelector.matchExpressions[0].operator: Unsupported value: "in": supported values: "In", "NotIn", "Exists", "DoesNotExist"',
  ],
  [
    'In without values',
    `nodeSelector: {matchExpressions: [{key: pool, operator: In}]}\nsysctls: [${ok}]`,
    'spec.nodeSelector.matchExpressions[0].values: Invalid value: In and NotIn need values; Exists and DoesNotExist must have none',
  ],
  [
    'a label that cannot be',
    `nodeSelector: {matchLabels: {'bad key': 'x y'}}\nsysctls: [${ok}]`,
    'spec.nodeSelector.matchLabels: Invalid value: every key must be a label key such as "workload" or "example.com/workload"',
    'spec.nodeSelector.matchLabels: Invalid value: every value must be a label value (letters, digits, "-", "_", ".", at most 63)',
  ],
];

const guarded = (key: string, why: string): string =>
  `spec.sysctls: Invalid value: ${key} is guarded (${why}): name it in spec.acknowledgeRisks to set it`;
const ROOT = 'the kernel runs its value as root on the node';
const FOREVER = 'it cannot be undone before the node is rebooted';

export const guardedProfiles: readonly Malformed[] = [
  ...['kernel.core_pattern', 'kernel/modprobe', 'kernel.poweroff_cmd', 'kernel.hotplug'].map(
    (key): Malformed => [key, sysctls(ok, `{name: ${key}, value: /bin/x}`), guarded(key, ROOT)],
  ),
  ...[
    'kernel.modules_disabled',
    'kernel/kexec_load_disabled',
    'kernel.kexec_load_limit_panic',
    'kernel.kexec_load_limit_reboot',
    'net.netfilter.nf_hooks_lwtunnel',
  ].map((key): Malformed => [key, sysctls(ok, `{name: ${key}, value: 1}`), guarded(key, FOREVER)]),
  [
    'another one acknowledged',
    `${sysctls('{name: kernel.core_pattern, value: x}')}acknowledgeRisks: [kernel.modprobe]`,
    guarded('kernel.core_pattern', ROOT),
  ],
  [
    'a glob acknowledged',
    `${sysctls(ok)}acknowledgeRisks: ['kernel.*']`,
    'spec.acknowledgeRisks[0]: Invalid value: "kernel.*": must be the name of one sysctl, for example kernel.core_pattern',
  ],
];

const podScope = (key: string): string => sysctls(`{name: ${key}, value: 1, scope: Pod}`);
const scope = (why: string): string => `spec.sysctls[0].scope: Invalid value: ${why}`;
const UNKNOWN =
  'the kubelet lets no pod set this one; scope Pod is for net.*, fs.mqueue.*, kernel.sem, kernel.shm{all,max,mni,_rmid_forced} and kernel.msg{max,mnb,mni}: use scope Node, or leave scope out';
const ABSENT =
  'no pod has this one for itself, although it is a net sysctl: the kernel has it once per node; use scope Node';
const READ_ONLY = 'a pod can read this one but not write it: it shows the value of the node; use scope Node';
const SHARED = 'not namespaced: a pod that sets this one changes the whole node until its next boot';
const CASE = 'Kubernetes takes only lower-case letters, digits, "-" and "_" in the sysctls of pods';

export const podScopeProfiles: readonly Malformed[] = [
  ...[
    'vm.max_map_count',
    'kernel.hostname',
    'kernel.pid_max',
    'kernel.msg_next_id',
    'kernel.shm',
    'user.max_user_namespaces',
    'fs/inotify/max_user_instances',
  ].map((key): Malformed => [key, podScope(key), scope(UNKNOWN)]),
  ...[
    'net.core.netdev_max_backlog',
    'net/ipv4/tcp_mem',
    'net.nf_conntrack_max',
    'net.ipv4.neigh.default.gc_thresh3',
    'net/ipv6/neigh/default/gc_thresh1',
  ].map((key): Malformed => [key, podScope(key), scope(ABSENT)]),
  ...['net.core.rmem_max', 'net/netfilter/nf_conntrack_max', 'net.ipv4.tcp_allowed_congestion_control'].map(
    (key): Malformed => [key, podScope(key), scope(READ_ONLY)],
  ),
  [
    'net.netfilter.nf_hooks_lwtunnel',
    `${podScope('net.netfilter.nf_hooks_lwtunnel')}acknowledgeRisks: [net.netfilter.nf_hooks_lwtunnel]`,
    scope(`${SHARED}; use scope Node`),
  ],
  ['net.ipv4.conf.Eth0.rp_filter', podScope('net.ipv4.conf.Eth0.rp_filter'), scope(CASE)],
  [
    'nf_hooks_lwtunnel as pattern',
    patterns('[net/netfilter/nf_hooks_lwtunnel]'),
    pattern(0, 'net/netfilter/nf_hooks_lwtunnel', SHARED),
  ],
];

const field = (text: string): string => `${sysctls(ok)}${text}`;
const selector = (text: string): string => `nodeSelector: {${text}}\nsysctls: [${ok}]`;
const many = (count: number, text: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => text(i)).join(', ');

export const outOfRangeProfiles: readonly Malformed[] = [
  [
    'an unknown mode',
    field('mode: DryRun'),
    'spec.mode: Unsupported value: "DryRun": supported values: "Enforce", "Plan"',
  ],
  [
    'an unknown drift policy',
    field('driftPolicy: Ignore'),
    'spec.driftPolicy: Unsupported value: "Ignore": supported values: "Correct", "Report"',
  ],
  [
    'an unknown removal policy',
    field('removalPolicy: Delete'),
    'spec.removalPolicy: Unsupported value: "Delete": supported values: "Restore", "Keep"',
  ],
  [
    'an unknown answer to failure',
    field('rollout: {onFailure: Continue}'),
    'spec.rollout.onFailure: Unsupported value: "Continue": supported values: "Rollback", "Pause"',
  ],
  [
    'a priority that is too high',
    field('priority: 1000001'),
    'spec.priority: Invalid value: 1000001: spec.priority in body should be less than or equal to 1000000',
  ],
  [
    'a priority that is too low',
    field('priority: -1000001'),
    'spec.priority: Invalid value: -1000001: spec.priority in body should be greater than or equal to -1000000',
  ],
  [
    'a priority in quotes',
    field('priority: "10"'),
    'spec.priority: Invalid value: "string": spec.priority in body must be of type integer: "string"',
  ],
  [
    'nothing of all nodes at once',
    field('rollout: {maxUnavailable: 0%}'),
    `spec.rollout.maxUnavailable: Invalid value: "0%": ${UNAVAILABLE}`,
  ],
  [
    'a number of nodes in quotes',
    field('rollout: {maxUnavailable: "10"}'),
    `spec.rollout.maxUnavailable: Invalid value: "10": ${UNAVAILABLE}`,
  ],
  [
    'a percentage without its sign',
    field('rollout: {maxUnavailable: 10 percent}'),
    `spec.rollout.maxUnavailable: Invalid value: "10 percent": ${UNAVAILABLE}`,
  ],
  [
    'a canary without nodes',
    field('rollout: {canary: {soakSeconds: 60}}'),
    'spec.rollout.canary.nodes: Required value',
  ],
  [
    'a soak of two days',
    field('rollout: {canary: {nodes: 1, soakSeconds: 172800}}'),
    'spec.rollout.canary.soakSeconds: Invalid value: 172800: spec.rollout.canary.soakSeconds in body should be less than or equal to 86400',
  ],
  [
    'a confirm timeout of two hours',
    field('rollout: {confirmTimeoutSeconds: 7200}'),
    'spec.rollout.confirmTimeoutSeconds: Invalid value: 7200: spec.rollout.confirmTimeoutSeconds in body should be less than or equal to 3600',
  ],
  [
    'a name of 254 characters',
    sysctls(`{name: vm.${'x'.repeat(251)}, value: 1}`),
    'spec.sysctls[0].name: Too long: may not be more than 253 bytes',
  ],
  ['no name', sysctls('{value: 1}'), 'spec.sysctls[0].name: Required value'],
  [
    'optional in quotes',
    sysctls('{name: vm.swappiness, value: 1, optional: "yes"}'),
    'spec.sysctls[0].optional: Invalid value: "string": spec.sysctls[0].optional in body must be of type boolean: "string"',
  ],
  [
    'Exists with values',
    selector('matchExpressions: [{key: pool, operator: Exists, values: [a]}]'),
    'spec.nodeSelector.matchExpressions[0].values: Invalid value: In and NotIn need values; Exists and DoesNotExist must have none',
  ],
  [
    'an expression about a label that cannot be',
    selector("matchExpressions: [{key: 'a b', operator: Exists}]"),
    'spec.nodeSelector.matchExpressions[0].key: Invalid value: must be a label key such as "workload" or "example.com/workload"',
  ],
  [
    'an expression without an operator',
    selector('matchExpressions: [{key: pool}]'),
    'spec.nodeSelector.matchExpressions[0].operator: Required value',
  ],
  [
    'a label value that is too long',
    selector(`matchLabels: {pool: ${'x'.repeat(64)}}`),
    'spec.nodeSelector.matchLabels.pool: Too long: may not be more than 63 bytes',
  ],
  [
    '65 patterns',
    patterns(`[${many(65, (i) => `net.x${i}`)}]`),
    'spec.pods.allowedUnsafeSysctls: Too many: 65: must have at most 64 items',
  ],
  [
    'a pattern twice',
    patterns("['net.core.*', 'net.core.*']"),
    'spec.pods.allowedUnsafeSysctls[1]: Duplicate value: "net.core.*"',
  ],
  [
    'a risk acknowledged twice',
    field('acknowledgeRisks: [kernel.modprobe, kernel.modprobe]'),
    'spec.acknowledgeRisks[1]: Duplicate value: "kernel.modprobe"',
  ],
  ['no spec', '', 'spec: Required value'],
];
