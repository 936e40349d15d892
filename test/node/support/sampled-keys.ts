import { describe as entryOf } from '../../../operator/sysctl/catalog/index.ts';
import { checkPattern, kubeletNamespace, patternMatches } from '../../../operator/sysctl/kubelet-patterns.ts';

/** Keys of every kind that the catalog tells apart, each with a value that no pod starts with. */
export const SAMPLE: Readonly<Record<string, string>> = {
  // Safe for years.
  'kernel.shm_rmid_forced': '1',
  'net.ipv4.ip_local_port_range': '20000 50000',
  'net.ipv4.ip_local_reserved_ports': '8080,9148',
  'net.ipv4.ip_unprivileged_port_start': '500',
  'net.ipv4.ping_group_range': '100 200',
  'net.ipv4.tcp_fin_timeout': '15',
  'net.ipv4.tcp_keepalive_time': '600',
  'net.ipv4.tcp_rmem': '4096 65536 1048576',
  'net.ipv4.tcp_syncookies': '0',
  // Safe since 1.37.
  'net.ipv4.tcp_notsent_lowat': '16384',
  // A network namespace has its own.
  'net.core.optmem_max': '65536',
  'net.core.somaxconn': '1000',
  'net.ipv4.conf.all.rp_filter': '2',
  'net.ipv4.conf.eth0.forwarding': '0',
  'net.ipv4.ip_forward': '0',
  'net.ipv4.tcp_congestion_control': 'reno',
  'net.ipv4.tcp_max_syn_backlog': '999',
  'net.ipv4.tcp_retries2': '5',
  'net.ipv6.conf.default.accept_ra': '0',
  'net.netfilter.nf_conntrack_tcp_timeout_established': '1234',
  'net.unix.max_dgram_qlen': '77',
  // So has an IPC namespace.
  'fs.mqueue.msg_max': '20',
  'kernel.msgmax': '65536',
  'kernel.sem': '100 64000 50 500',
  'kernel.shmmax': '1073741824',
  // Its own, but nobody can write it, or no runtime does.
  'kernel.shm_next_id': '1',
  'net.netfilter.nf_conntrack_count': '1',
  // A network namespace does not have it.
  'net.core.default_qdisc': 'fq',
  'net.core.netdev_max_backlog': '5000',
  'net.ipv4.neigh.default.gc_thresh3': '4096',
  'net.ipv4.tcp_mem': '1000000 1000001 1000002',
  'net.nf_conntrack_max': '1048576',
  // It shows the value of the node.
  'net.core.rmem_max': '16777216',
  'net.ipv4.tcp_allowed_congestion_control': 'reno',
  'net.netfilter.nf_conntrack_max': '1048576',
  // Of other namespaces, or of none.
  'kernel.domainname': 'example',
  'kernel.pid_max': '4000000',
  'user.max_user_namespaces': '100',
  'vm.max_map_count': '262144',
  /** Of all namespaces at once: the value that it has, because 1 cannot be undone. */
  'net.netfilter.nf_hooks_lwtunnel': 'as it is',
};

/**
 * Patterns for what does not get into the kubelet's list by its name: the kubelet does not take it, the definition refuses it, or the
 * operator leaves it out because the node's kernel lacks it. The runtime has to judge these.
 */
const WIDER = [
  'kernel.shm*',
  'net.core.*',
  'net.ipv4.neigh.*',
  'net.ipv4.tcp_me*',
  'net.netfilter.nf_hooks_*',
  'net.nf_*',
];

/** What a profile can let pods set of the sample; safe keys are left out, so that they have to be safe. */
export const allowed = (): string[] => [
  ...Object.keys(SAMPLE).filter(
    (name) =>
      checkPattern(name) === undefined &&
      entryOf(name)?.pods.safeSince === null &&
      !WIDER.some((pattern) => patternMatches(pattern, name)),
  ),
  ...WIDER,
];

/** Where a pod with this key comes to, by what the catalog says of it: its value, who refuses it and how. */
export function expected(name: string, value: string, kubernetesMinor: number): string {
  const {
    pods,
    newNamespace: { presence },
  } = entryOf(name) ?? fail(name);
  if (pods.safeSince !== null)
    return Number(pods.safeSince.replace('1.', '')) <= kubernetesMinor
      ? `runs with ${value}`
      : 'SysctlForbidden';
  if (pods.allowable) return `runs with ${value}`;
  if (!allowed().some((pattern) => patternMatches(pattern, name))) return 'SysctlForbidden';
  if (kubeletNamespace(name) === undefined) return 'the runtime: is not in a separate kernel namespace';
  return `the runtime: ${presence === 'absent' ? 'no such file or directory' : 'permission denied'}`;
}

function fail(name: string): never {
  throw new Error(`the catalog does not have ${name}`);
}
