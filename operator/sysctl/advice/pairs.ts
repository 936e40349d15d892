import advice from '../catalog/advice.json' with { type: 'json' };
import { kernelInteger } from '../values.ts';

export type Pair = readonly [string, string];

const pairs = (list: readonly string[][]): Pair[] => list.map(([a = '', b = '']) => [a, b]);

/** Of these the kernel sets one to 0 when the other is written (mm/page-writeback.c, mm/util.c). */
export const EXCLUSIVE: readonly Pair[] = pairs(advice.exclusive);
/** Two names of one value. */
export const SAME: readonly Pair[] = pairs(advice.same);
/** The kernel refuses a first number above the first number of the other. */
export const BOUNDS: readonly Pair[] = [
  ['net.ipv4.ipfrag_low_thresh', 'net.ipv4.ipfrag_high_thresh'],
  ['net.ipv6.ip6frag_low_thresh', 'net.ipv6.ip6frag_high_thresh'],
  ['net.netfilter.nf_conntrack_frag6_low_thresh', 'net.netfilter.nf_conntrack_frag6_high_thresh'],
  ['net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ip_local_port_range'],
  ['kernel.sched_rt_runtime_us', 'kernel.sched_rt_period_us'],
];

/** Values that a profile writes on nodes, by name. */
export type Written = ReadonlyMap<string, string>;

/** One is to be set to 0 is no fight: the other one does that. */
export const exclusivePairs = (written: Written): Pair[] =>
  EXCLUSIVE.filter((pair) => pair.every((name) => (written.get(name) ?? '0') !== '0'));

export const unequalPairs = (written: Written): Pair[] =>
  SAME.filter(([a, b]) => written.has(a) && written.has(b) && written.get(a) !== written.get(b));

const first = (value: string | undefined): bigint | undefined =>
  kernelInteger(value?.trim().split(/\s+/)[0] ?? '');

export const crossedPairs = (written: Written): Pair[] =>
  BOUNDS.filter(([low, high]) => {
    const [a, b] = [first(written.get(low)), first(written.get(high))];
    return a !== undefined && b !== undefined && a > b;
  });
