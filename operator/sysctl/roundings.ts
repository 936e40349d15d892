/** Kernel ticks per second that distributions build with; the agent does not know its kernel's. */
const TICKS = [100n, 250n, 300n, 1000n];

/** Kept in ticks, shown in milliseconds. Not every "_ms" is: net.ipv4.tcp_rto_max_ms and kernel.sched_rr_timeslice_ms keep the number. */
export const MILLISECONDS =
  /^net\.ipv4\.(icmp_ratelimit|tcp_invalid_ratelimit)$|^net\.ipv6\.icmp\.ratelimit$|\.mldv[12]_unsolicited_report_interval$|^net\.ipv[46]\.neigh\..*_ms$|^net\.ipv[46]\.route\.gc_min_interval_ms$/;
/** net.ipv6.neigh.*.retrans_time is kept in the kernel's own ticks and shown in them. */
export const USER_TICKS =
  /^net\.ipv[46]\.neigh\..*\.(anycast_delay|locktime|proxy_delay)$|^net\.ipv4\.neigh\..*\.retrans_time$/;

/** proc_dobool: every number but 0 is 1. */
const BOOLEANS = new Set(['dev.tty.legacy_tiocsti', 'vm.hugetlb_optimize_vmemmap']);

/** (gid_t)-1 is no group. */
export const LAST_GROUP = 2n ** 32n - 2n;
/** 2^32 wraps to one page. */
export const LARGEST_PIPE = 2n ** 31n;

const upTo = (value: bigint, step: bigint): bigint => ((value + step - 1n) / step) * step;
const powerOfTwo = (value: bigint): bigint => {
  let power = 1n;
  while (power < value) power *= 2n;
  return power;
};

/**
 * What every kernel makes of the integers of a value, where it does not keep them: "5 1" groups become "1 0" (none), and what is on is 1.
 */
export function settled(name: string, values: readonly bigint[]): readonly bigint[] {
  const [first = 0n, second = 0n] = values;
  if (name === 'net.ipv4.ping_group_range' && values.length === 2 && second >= 0n)
    return second < first && first <= LAST_GROUP ? [1n, 0n] : values;
  if (name === 'vm.lowmem_reserve_ratio') return values.map((value) => (value < 0n ? 0n : value));
  if (values.length !== 1) return values;
  if (name.startsWith('net.bridge.bridge-nf-') || BOOLEANS.has(name)) return [first === 0n ? 0n : 1n];
  if (name === 'fs.pipe-max-size' && first >= 0n && first <= LARGEST_PIPE)
    return [powerOfTwo(first < 4096n ? 4096n : first)];
  // 0 takes the table away and stays 0.
  if (name === 'net.core.rps_sock_flow_entries' && first > 0n) return [powerOfTwo(first)];
  if (name === 'kernel.sched_rr_timeslice_ms' && first <= 0n) return [100n];
  return values;
}

type Unit = 'milliseconds' | 'user ticks' | 'buckets' | undefined;
/** By name: the expressions take longer than everything else in a comparison. */
const units = new Map<string, Unit>();

function unitOf(name: string): Unit {
  if (!name.startsWith('net.')) return undefined;
  if (!units.has(name)) units.set(name, unitByName(name));
  return units.get(name);
}

function unitByName(name: string): Unit {
  if (MILLISECONDS.test(name)) return 'milliseconds';
  if (USER_TICKS.test(name)) return 'user ticks';
  return name === 'net.netfilter.nf_conntrack_buckets' ? 'buckets' : undefined;
}

/**
 * What some kernel prints after it was given `value`, where that depends on how it was built (measured on Linux 6.18). Without this a
 * written value would look like drift for ever.
 */
export function roundings(name: string, value: bigint): bigint[] {
  switch (unitOf(name)) {
    case 'milliseconds':
      return TICKS.map((hz) => (((value * hz + 999n) / 1000n) * 1000n) / hz);
    // In hundredths of a second: 250 ticks per second cannot keep an odd number of them, every other rate keeps all.
    case 'user ticks':
      return [value - (value % 2n)];
    // The table is rounded up to whole pages of 8-byte buckets, of 4, 16 or 64 KiB.
    case 'buckets':
      return [512n, 2048n, 8192n].map((page) => upTo(value, page));
    default:
      return [];
  }
}
