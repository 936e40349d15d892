/** Names of AKS (Microsoft.ContainerService, SysctlConfig) for what it lets one set. */
export const AKS_NAMES: Readonly<Record<string, string>> = {
  'fs.aio-max-nr': 'fsAioMaxNr',
  'fs.file-max': 'fsFileMax',
  'fs.inotify.max_user_watches': 'fsInotifyMaxUserWatches',
  'fs.nr_open': 'fsNrOpen',
  'kernel.threads-max': 'kernelThreadsMax',
  'net.core.netdev_max_backlog': 'netCoreNetdevMaxBacklog',
  'net.core.optmem_max': 'netCoreOptmemMax',
  'net.core.rmem_default': 'netCoreRmemDefault',
  'net.core.rmem_max': 'netCoreRmemMax',
  'net.core.somaxconn': 'netCoreSomaxconn',
  'net.core.wmem_default': 'netCoreWmemDefault',
  'net.core.wmem_max': 'netCoreWmemMax',
  'net.ipv4.ip_local_port_range': 'netIpv4IpLocalPortRange',
  'net.ipv4.neigh.default.gc_thresh1': 'netIpv4NeighDefaultGcThresh1',
  'net.ipv4.neigh.default.gc_thresh2': 'netIpv4NeighDefaultGcThresh2',
  'net.ipv4.neigh.default.gc_thresh3': 'netIpv4NeighDefaultGcThresh3',
  'net.ipv4.tcp_fin_timeout': 'netIpv4TcpFinTimeout',
  // Spelt so in the API.
  'net.ipv4.tcp_keepalive_intvl': 'netIpv4TcpkeepaliveIntvl',
  'net.ipv4.tcp_keepalive_probes': 'netIpv4TcpKeepaliveProbes',
  'net.ipv4.tcp_keepalive_time': 'netIpv4TcpKeepaliveTime',
  'net.ipv4.tcp_max_syn_backlog': 'netIpv4TcpMaxSynBacklog',
  'net.ipv4.tcp_max_tw_buckets': 'netIpv4TcpMaxTwBuckets',
  'net.ipv4.tcp_tw_reuse': 'netIpv4TcpTwReuse',
  'net.netfilter.nf_conntrack_buckets': 'netNetfilterNfConntrackBuckets',
  'net.netfilter.nf_conntrack_max': 'netNetfilterNfConntrackMax',
  'vm.max_map_count': 'vmMaxMapCount',
  'vm.swappiness': 'vmSwappiness',
  'vm.vfs_cache_pressure': 'vmVfsCachePressure',
};

/** A switch in the API, a number in the kernel. */
export const AKS_SWITCH = 'net.ipv4.tcp_tw_reuse';
