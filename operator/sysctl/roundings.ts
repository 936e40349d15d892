/** Kernel ticks per second that distributions build with; the agent does not know its kernel's. */
const TICKS = [100n, 250n, 300n, 1000n];

/** Kept in ticks, shown in milliseconds. Not every "_ms" is: net.ipv4.tcp_rto_max_ms and kernel.sched_rr_timeslice_ms keep the number. */
const MILLISECONDS =
  /^net\.ipv4\.(icmp_ratelimit|tcp_invalid_ratelimit)$|^net\.ipv6\.icmp\.ratelimit$|\.mldv[12]_unsolicited_report_interval$|^net\.ipv[46]\.neigh\..*_ms$|^net\.ipv[46]\.route\.gc_min_interval_ms$/;
const USER_TICKS = /^net\.ipv[46]\.neigh\..*\.(anycast_delay|locktime|proxy_delay|retrans_time)$/;

const upTo = (value: bigint, step: bigint): bigint => ((value + step - 1n) / step) * step;
const powerOfTwo = (value: bigint): bigint => {
  let power = 1n;
  while (power < value) power *= 2n;
  return power;
};

/**
 * What the kernel may print after it was given `value`, where it does not keep the very number (measured on Linux 6.18). Without
 * this a written value would look like drift for ever.
 */
export function roundings(name: string, value: bigint): bigint[] {
  if (MILLISECONDS.test(name)) return TICKS.map((hz) => (((value * hz + 999n) / 1000n) * 1000n) / hz);
  // In hundredths of a second: 250 ticks per second cannot keep an odd number of them, every other rate keeps all.
  if (USER_TICKS.test(name)) return [value - (value % 2n)];
  if (name.startsWith('net.bridge.bridge-nf-')) return [value === 0n ? 0n : 1n];
  if (name === 'fs.pipe-max-size') return [powerOfTwo(value < 4096n ? 4096n : value)];
  // The table is rounded up to whole pages of 8-byte buckets.
  if (name === 'net.netfilter.nf_conntrack_buckets') return [upTo(value, 512n)];
  // 0 takes the table away and stays 0.
  if (name === 'net.core.rps_sock_flow_entries') return value <= 0n ? [] : [powerOfTwo(value)];
  if (name === 'kernel.sched_rr_timeslice_ms') return value <= 0n ? [100n] : [];
  return [];
}
