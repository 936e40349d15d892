import { LARGEST_PIPE, LAST_GROUP, MILLISECONDS, USER_TICKS } from './roundings.ts';

/** Inclusive. */
export type Limit = readonly [min: bigint, max: bigint];

const INT: Limit = [-(2n ** 31n), 2n ** 31n - 1n];
const NATURAL: Limit = [0n, 2n ** 31n - 1n];
const UINT: Limit = [0n, 2n ** 32n - 1n];
/** As wide as the machine's word. Before Linux 6.1 a negative number is taken without an error and changes nothing. */
const ULONG: Limit = [0n, 2n ** 64n - 1n];
const PORT: Limit = [1n, 65_535n];
/** 32768, or 2^24 on kernels that were booted with ipcmni_extend. */
const IPC_IDS: Limit = [0n, 2n ** 24n];
const PERCENT: Limit = [0n, 100n];

const each = (count: number, limit: Limit): Limit[] => Array<Limit>(count).fill(limit);

/**
 * What the kernel takes, of each number of a value. Here are tuples, of which it keeps a part when it refuses the rest, keys of which
 * it ignores or wraps what does not fit, and well-known keys whose range is the same in all kernels, or the widest that one has. A
 * number outside the range of another key is refused by the kernel as a whole.
 */
const LIMITS: Readonly<Record<string, readonly Limit[]>> = {
  'kernel.sem': [...each(3, INT), IPC_IDS],
  'kernel.printk': each(4, INT),
  'net.ipv4.ip_local_port_range': each(2, PORT),
  'net.ipv4.ping_group_range': each(2, [0n, LAST_GROUP]),
  'net.ipv4.tcp_rmem': each(3, [1n, NATURAL[1]]),
  'net.ipv4.tcp_wmem': each(3, [1n, NATURAL[1]]),
  'net.ipv4.tcp_mem': each(3, ULONG),
  'net.ipv4.udp_mem': each(3, ULONG),

  'kernel.shmall': [ULONG],
  'kernel.shmmax': [ULONG],
  'kernel.shmmni': [IPC_IDS],
  'kernel.msgmni': [IPC_IDS],
  'kernel.msgmax': [NATURAL],
  'kernel.msgmnb': [NATURAL],
  'fs.mqueue.msg_default': [[1n, 65_536n]],
  'fs.mqueue.msg_max': [[1n, 65_536n]],
  'fs.mqueue.msgsize_default': [[128n, 2n ** 24n]],
  'fs.mqueue.msgsize_max': [[128n, 2n ** 24n]],

  'fs.aio-max-nr': [ULONG],
  'fs.file-max': [ULONG],
  'fs.mount-max': [[1n, UINT[1]]],
  'fs.nr_open': [[8n, NATURAL[1]]],
  'fs.pipe-max-size': [[0n, LARGEST_PIPE]],
  'fs.pipe-user-pages-hard': [ULONG],
  'fs.pipe-user-pages-soft': [ULONG],

  'kernel.kptr_restrict': [[0n, 2n]],
  'kernel.pid_max': [[301n, 2n ** 22n]],

  'vm.admin_reserve_kbytes': [ULONG],
  'vm.dirty_background_bytes': [ULONG],
  'vm.dirty_background_ratio': [PERCENT],
  'vm.dirty_bytes': [ULONG],
  'vm.dirty_ratio': [PERCENT],
  'vm.max_map_count': [NATURAL],
  'vm.nr_hugepages': [ULONG],
  'vm.nr_hugepages_mempolicy': [ULONG],
  'vm.nr_overcommit_hugepages': [ULONG],
  'vm.overcommit_kbytes': [ULONG],
  'vm.overcommit_memory': [[0n, 2n]],
  'vm.swappiness': [[0n, 200n]],
  'vm.user_reserve_kbytes': [ULONG],
  'vm.watermark_scale_factor': [[1n, 3000n]],

  'net.core.devconf_inherit_init_net': [[0n, 3n]],
  'net.core.somaxconn': [NATURAL],
  'net.ipv4.ip_default_ttl': [[1n, 255n]],
  'net.ipv4.ip_unprivileged_port_start': [[0n, PORT[1]]],
  'net.ipv4.ipfrag_high_thresh': [ULONG],
  'net.ipv4.ipfrag_low_thresh': [ULONG],
  'net.ipv6.ip6frag_high_thresh': [ULONG],
  'net.ipv6.ip6frag_low_thresh': [ULONG],
  'net.netfilter.nf_conntrack_frag6_high_thresh': [ULONG],
  'net.netfilter.nf_conntrack_frag6_low_thresh': [ULONG],
};

/** Below -2^31 the kernel wraps what it makes into ticks instead of refusing it. */
const TICKS: readonly Limit[] = [NATURAL];

/** Limits of each number; undefined where only the kernel knows them. */
export function limitsOf(name: string): readonly Limit[] | undefined {
  if (Object.hasOwn(LIMITS, name)) return LIMITS[name];
  return MILLISECONDS.test(name) || USER_TICKS.test(name) ? TICKS : undefined;
}
