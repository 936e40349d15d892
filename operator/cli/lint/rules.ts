export type Severity = 'error' | 'warning' | 'note';

/**
 * Every rule, with the severity of its findings and a line that says what it finds. error: it is refused, has no effect or does
 * harm. warning: it works, but rarely as intended. note: good to know.
 */
export const rules = {
  syntax: ['error', 'The file cannot be read as what it is.'],
  'profile-field': ['error', 'A field of a SysctlProfile that is missing, misspelt or not of its kind.'],
  'invalid-name': ['error', 'Not a sysctl name.'],
  'unknown-key': ['error', 'The catalog does not know the key; a warning where nothing similar is known.'],
  'removed-key': ['error', "Today's kernels do not have the key any more."],
  'read-only-key': ['error', 'Nobody can write the key.'],
  'bad-value': ['error', 'Not a value that the key takes.'],
  'value-count': [
    'error',
    'Too few or too many values: the kernel takes such input without a word and changes only some.',
  ],
  'out-of-range': ['error', 'The kernel refuses the value.'],
  'yaml-value': [
    'error',
    'YAML makes something else of the value than what is written; a warning where programs differ.',
  ],
  'rounded-value': ['note', 'The kernel keeps another value than the one written.'],
  'lowers-limit': ['warning', "Copied advice that sets less than the kernel's default."],
  duplicate: ['error', 'The same key twice; a warning where the last one counts.'],
  'fighting-keys': ['error', 'Setting one key undoes the other.'],
  order: ['error', 'A bound that is on the wrong side of the other.'],
  'breaks-node': ['warning', 'The value takes a node out of its cluster.'],
  'node-ports': ['warning', 'Source ports of the node reach into the range of NodePorts.'],
  'bound-needs-integer': ['error', 'AtLeast and AtMost compare single integers.'],
  'acknowledge-risks': [
    'error',
    'A dangerous key that spec.acknowledgeRisks does not name; a warning where nobody asks for that.',
  ],
  'kubelet-owned': [
    'warning',
    'The kubelet sets the key at every start; an error where the profile is refused.',
  ],
  'kube-proxy-owned': [
    'warning',
    'kube-proxy sets the key too; a note where the profile only reports drift.',
  ],
  'not-namespaced': ['error', 'A pod cannot have the key for itself.'],
  'not-for-pods': ['error', 'Neither kubelet nor runtime set the key in a pod.'],
  'host-namespace': ['error', "A pod in the host's namespace cannot set what is the host's."],
  'not-allowed': ['warning', 'An unsafe sysctl that none of the files allows.'],
  'node-selector': ['note', 'The pod may land on a node that does not allow its sysctls.'],
  'host-value': [
    'warning',
    "The node's value does not reach pods; a note where scope: Node says that this is meant.",
  ],
  'new-pods-only': ['note', "The node's value reaches only pods that start afterwards."],
  'pod-sets-it': ['note', 'The entry allows the key to pods, which must set it themselves.'],
  'already-safe': ['note', 'Every pod may set the key without being allowed to.'],
  'bad-pattern': ['error', 'The kubelet does not start with this entry.'],
  'wide-pattern': [
    'error',
    'The pattern lets a pod change the whole node; a warning where it only admits keys that fail.',
  ],
  'sysctl-in-container': ['warning', 'A container that sets sysctls with privileges.'],
  'needs-module': ['note', 'The key exists only while a module is loaded.'],
  'removed-api': ['error', 'Kubernetes no longer reads this.'],
} as const satisfies Record<string, readonly [Severity, string]>;

export type RuleId = keyof typeof rules;

export interface Finding {
  file: string;
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
  severity: Severity;
  rule: RuleId;
  /** The sysctl or pattern that it is about. */
  key?: string;
  /** What is wrong, and what to do. */
  message: string;
}
