import { normalizeName } from './names.ts';

/** pkg/kubelet/sysctl/allowlist.go and pkg/apis/core/validation: SysctlContainSlashPatternFmt. */
export const PATTERN = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*([a-z0-9][-_a-z0-9]*)?[a-z0-9*]$/;
const MAX_LENGTH = 253;

/** component-helpers/node/util/sysctl/namespace.go; kernel.shm and kernel.msg are there for old prefixes. */
const IPC_NAMES = new Set(
  ['sem', 'shmall', 'shmmax', 'shmmni', 'shm_rmid_forced', 'shm', 'msgmax', 'msgmnb', 'msgmni', 'msg'].map(
    (key) => `kernel.${key}`,
  ),
);

/** pkg/kubelet/sysctl/safe_sysctls.go: minor version of Kubernetes since which every pod may set the key. */
const SAFE_SINCE: Record<string, number> = {
  'kernel.shm_rmid_forced': 4,
  'net.ipv4.ip_local_port_range': 4,
  'net.ipv4.tcp_syncookies': 4,
  'net.ipv4.ping_group_range': 18,
  'net.ipv4.ip_unprivileged_port_start': 22,
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
  'net.ipv4.tcp_slow_start_after_idle': 37,
  'net.ipv4.tcp_notsent_lowat': 37,
};
/** Oldest Kubernetes that the manifests support (fine-grained kubelet authorization). */
const OLDEST_MINOR = 33;

/** The kubelet's spelling: a slash as first separator swaps both (component-helpers ConvertSysctlVariableToDotsSeparator). */
export const normalizePattern = (pattern: string): string =>
  /^[^./]*\//.test(pattern) ? pattern.replace(/[./]/g, (c) => (c === '.' ? '/' : '.')) : pattern;

/** The namespace that the kubelet takes a name, or the part of a pattern before its "*", to belong to. */
export function kubeletNamespace(name: string): 'net' | 'ipc' | undefined {
  if (name.startsWith('net.')) return 'net';
  return IPC_NAMES.has(name) || name.startsWith('fs.mqueue.') ? 'ipc' : undefined;
}

/**
 * Why the kubelet would not start with this entry in allowedUnsafeSysctls, in its own words; undefined when it would. One bad
 * entry keeps the whole kubelet from starting.
 */
export function checkPattern(pattern: string): string | undefined {
  if (pattern.length > MAX_LENGTH || !PATTERN.test(pattern))
    return `"${pattern}" must have at most 253 characters and be a sysctl name or a prefix with one "*" at its end, lower case`;
  const normal = normalizePattern(pattern);
  const prefix = normal.split('*')[0] ?? '';
  if (kubeletNamespace(prefix)) return undefined;
  return `"${pattern}" is not known to the kubelet as namespaced: it takes net.*, fs.mqueue.*, kernel.sem, kernel.shm* and kernel.msg*`;
}

/** A pod may set the name because of this entry. */
export function patternMatches(pattern: string, name: string): boolean {
  const [p, n] = [normalizePattern(pattern), normalizePattern(name)];
  return p.endsWith('*') ? n.startsWith(p.slice(0, -1)) : p === n;
}

/** Every pod may set the key without an entry, on kubelets of this minor version of Kubernetes and newer. */
export const isSafeSysctl = (name: string, kubernetesMinor: number = OLDEST_MINOR): boolean =>
  (SAFE_SINCE[normalizeName(name)] ?? Number.POSITIVE_INFINITY) <= kubernetesMinor;
