export interface ValueChange {
  name: string;
  from: string;
  to: string;
}

/** Pairs of which the kernel refuses low > high (net/ipv4/ip_fragment.c, net/ipv6/reassembly.c, kernel/sched/rt.c, sysctl_net_ipv4.c). */
const PAIRS: readonly (readonly [low: string, high: string])[] = [
  ['net.ipv4.ipfrag_low_thresh', 'net.ipv4.ipfrag_high_thresh'],
  ['net.ipv6.ip6frag_low_thresh', 'net.ipv6.ip6frag_high_thresh'],
  ['net.netfilter.nf_conntrack_frag6_low_thresh', 'net.netfilter.nf_conntrack_frag6_high_thresh'],
  ['kernel.sched_rt_runtime_us', 'kernel.sched_rt_period_us'],
  ['net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ip_local_port_range'],
];

/** Written before everything else: they change others as a side effect, or others need them. */
const FIRST = [
  'net.ipv4.ip_forward',
  'net.ipv4.conf.all.forwarding',
  'net.ipv6.conf.all.forwarding',
  'net.ipv4.tcp_allowed_congestion_control',
  'fs.nr_open',
  'kernel.watchdog',
];

/**
 * Keys of which one is set to 0 by a write of the other (mm/page-writeback.c, mm/util.c). The kernel refuses to take that 0 back
 * (dirty_bytes: EINVAL) or sets the other one to 0 in turn (overcommit_ratio); it comes back by writing the other one.
 */
export const SETS_TO_ZERO: Readonly<Record<string, string>> = {
  'vm.dirty_bytes': 'vm.dirty_ratio',
  'vm.dirty_ratio': 'vm.dirty_bytes',
  'vm.dirty_background_bytes': 'vm.dirty_background_ratio',
  'vm.dirty_background_ratio': 'vm.dirty_background_bytes',
  'vm.overcommit_kbytes': 'vm.overcommit_ratio',
  'vm.overcommit_ratio': 'vm.overcommit_kbytes',
};

const PER_INTERFACE = /^net\.ipv[46]\.(?:conf|neigh)\.([^.]+)\./;

/** Lower goes first. `all` is copied to every interface and `default` to those that nobody set (devinet.c, addrconf.c, neighbour.c). */
function rank({ name, to }: ValueChange): number {
  const index = FIRST.indexOf(name);
  if (index !== -1) return index;
  const device = PER_INTERFACE.exec(name)?.[1];
  const level = device === 'all' ? 0 : device === 'default' ? 1 : 2;
  // A secret sets addr_gen_mode beside it. A 0 that comes with the other one of its pair need not be written at all.
  const within = name.endsWith('.stable_secret') ? 0 : 1;
  const last = SETS_TO_ZERO[name] !== undefined && first(to) === 0 ? 100 : 0;
  return FIRST.length + level * 2 + within + last;
}

const first = (text: string): number => Number(text.trim().split(/\s+/)[0]);

/**
 * The changes in an order that the kernel accepts: of a coupled pair the upper bound goes first when the lower one rises above it;
 * keys that change others go before those; of two keys of which one is 0 the other one goes first. Otherwise the given order stays.
 */
export function writeOrder<T extends ValueChange>(changes: readonly T[]): T[] {
  const ordered = changes.toSorted((a, b) => rank(a) - rank(b));
  for (const [low, high] of PAIRS) {
    const i = ordered.findIndex((c) => c.name === low);
    const j = ordered.findIndex((c) => c.name === high);
    const [lower, upper] = [ordered[i], ordered[j]];
    if (!lower || !upper) continue;
    // Where the lower bound rises above the old upper one, the new upper one must be there before; else the lower one can go first,
    // whichever way both go. -1 stands for "no limit" (sched_rt_runtime_us).
    const upperFirst = first(lower.to) > first(upper.from);
    if (upperFirst !== j < i) [ordered[i], ordered[j]] = [upper, lower];
  }
  return ordered;
}
