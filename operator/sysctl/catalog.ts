import netKeys from './net-keys.json' with { type: 'json' };

export type SysctlNamespace = 'net' | 'ipc' | 'uts' | 'user' | 'pid' | 'none';

/** What a pod with its own namespaces sees of the key. */
export type PodPresence = 'own' | 'readOnly' | 'absent' | 'shared';

export interface CatalogEntry {
  namespace: SysctlNamespace;
  podPresence: PodPresence;
}

const IPC = new Set(
  [
    'auto_msgmni',
    'msg_next_id',
    'msgmax',
    'msgmnb',
    'msgmni',
    'sem',
    'sem_next_id',
    'shm_next_id',
    'shm_rmid_forced',
    'shmall',
    'shmmax',
    'shmmni',
  ].map((key) => `kernel.${key}`),
);
const UTS = new Set(
  ['arch', 'domainname', 'hostname', 'osrelease', 'ostype', 'version'].map((key) => `kernel.${key}`),
);
const PID = new Set(['kernel.ns_last_pid', 'kernel.pid_max', 'vm.memfd_noexec']);
const ABSENT = new Set(netKeys.absentInPods);
const READ_ONLY = new Set(netKeys.readOnlyInPods);
const SHARED = new Set(netKeys.sharedWritable);
/** neigh.default holds limits of the whole node (gc_thresh*); a new network namespace does not have it. */
const ABSENT_FAMILY = /^net\.ipv[46]\.neigh\.default\./;

/**
 * Which namespace a key belongs to and what a pod sees of it, for Linux 6.18: 113 of 558 net.* keys are not namespaced, although
 * the kubelet takes all of them for it. Names with a dot as first separator.
 */
export function lookup(name: string): CatalogEntry {
  if (name.startsWith('net.')) {
    if (ABSENT.has(name) || ABSENT_FAMILY.test(name)) return { namespace: 'none', podPresence: 'absent' };
    if (READ_ONLY.has(name)) return { namespace: 'none', podPresence: 'readOnly' };
    if (SHARED.has(name)) return { namespace: 'none', podPresence: 'shared' };
    return { namespace: 'net', podPresence: 'own' };
  }
  if (IPC.has(name) || name.startsWith('fs.mqueue.')) return { namespace: 'ipc', podPresence: 'own' };
  if (UTS.has(name)) return { namespace: 'uts', podPresence: 'own' };
  if (PID.has(name)) return { namespace: 'pid', podPresence: 'own' };
  if (name.startsWith('user.')) return { namespace: 'user', podPresence: 'own' };
  return { namespace: 'none', podPresence: 'shared' };
}

const TUPLES: Record<string, number> = {
  'kernel.sem': 4,
  'net.ipv4.tcp_rmem': 3,
  'net.ipv4.tcp_wmem': 3,
  'net.ipv4.tcp_mem': 3,
  'net.ipv4.udp_mem': 3,
  'net.ipv4.ip_local_port_range': 2,
  'net.ipv4.ping_group_range': 2,
  'kernel.printk': 4,
};

/** How many values a key takes, where it takes more than one and that is known without its kernel. */
export const tupleSize = (name: string): number | undefined => TUPLES[name];

/** Who else writes a key on a node, as far as it is known; for the message when two writers fight. */
export function otherWriters(name: string): readonly string[] {
  if (KUBELET_OWNED.has(name)) return ['kubelet (at every start)'];
  if (KUBE_PROXY_OWNED.test(name)) return ['kube-proxy (at every start)'];
  if (
    name === 'net.ipv4.ip_forward' ||
    /^net\.ipv4\.conf\..*\.(rp_filter|forwarding|route_localnet)$/.test(name)
  )
    return ['CNI plugin', 'kube-proxy', 'systemd-networkd'];
  return ['systemd-sysctl', 'TuneD', 'a privileged pod'];
}

/** The kubelet sets these at every start, or refuses to start with protectKernelDefaults (pkg/kubelet/cm/container_manager_linux.go). */
export const KUBELET_OWNED: ReadonlySet<string> = new Set([
  'vm.overcommit_memory',
  'vm.panic_on_oom',
  'kernel.panic',
  'kernel.panic_on_oops',
  'kernel.keys.root_maxkeys',
  'kernel.keys.root_maxbytes',
]);

/** kube-proxy sets these from its configuration (cmd/kube-proxy/app/conntrack.go). */
export const KUBE_PROXY_OWNED =
  /^net\.netfilter\.nf_conntrack_(max|tcp_timeout_established|tcp_timeout_close_wait|tcp_be_liberal|udp_timeout|udp_timeout_stream)$/;
