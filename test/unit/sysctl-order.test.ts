import { describe, expect, test } from '@jest/globals';
import { writeOrder, type ValueChange } from '../../operator/sysctl/order.ts';

type Pair = readonly [low: string, high: string];

const PAIRS: readonly Pair[] = [
  ['net.ipv4.ipfrag_low_thresh', 'net.ipv4.ipfrag_high_thresh'],
  ['net.ipv6.ip6frag_low_thresh', 'net.ipv6.ip6frag_high_thresh'],
  ['net.netfilter.nf_conntrack_frag6_low_thresh', 'net.netfilter.nf_conntrack_frag6_high_thresh'],
  ['kernel.sched_rt_runtime_us', 'kernel.sched_rt_period_us'],
  ['net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ip_local_port_range'],
];
const first = (value: string): number => Number(value.split(/\s/)[0]);

/** A kernel that refuses low > high after every single write, as the real one does. */
function accepts([low, high]: Pair, changes: readonly ValueChange[]): boolean {
  const live = new Map(changes.map((c) => [c.name, first(c.from)]));
  return writeOrder(changes).every(({ name, to }) => {
    live.set(name, first(to));
    return (live.get(low) ?? 0) <= (live.get(high) ?? 0);
  });
}

describe('the order of writes', () => {
  test.each(PAIRS)('never puts %s above %s, wherever both come from and go to', (low, high) => {
    const width = high.endsWith('range') ? ' 60999' : '';
    const refused: string[] = [];
    const range = [-1, 1, 2, 3, 4];
    for (const [a, b] of range.flatMap((x) => range.filter((y) => x <= y).map((y) => [x, y] as const)))
      for (const [c, d] of range.flatMap((x) => range.filter((y) => x <= y).map((y) => [x, y] as const))) {
        const changes = [
          { name: low, from: `${a}`, to: `${c}` },
          { name: 'vm.swappiness', from: '60', to: '1' },
          { name: high, from: `${b}${width}`, to: `${d}${width}` },
        ];
        if (!accepts([low, high], changes) || !accepts([low, high], changes.toReversed()))
          refused.push(`${a}..${b} to ${c}..${d}`);
      }
    expect(refused).toEqual([]);
  });

  test.each([
    ['net.ipv4.ip_forward', 'net.ipv4.conf.all.accept_redirects'],
    ['net.ipv4.ip_forward', 'net.ipv4.conf.eth0.forwarding'],
    ['net.ipv4.conf.all.forwarding', 'net.ipv4.conf.eth0.forwarding'],
    ['net.ipv6.conf.all.forwarding', 'net.ipv6.conf.eth0.forwarding'],
    ['net.ipv4.tcp_allowed_congestion_control', 'net.ipv4.tcp_congestion_control'],
    ['net.ipv6.conf.all.disable_ipv6', 'net.ipv6.conf.aaa0.disable_ipv6'],
    ['net.ipv4.conf.all.rp_filter', 'net.ipv4.conf.default.rp_filter'],
    ['net.ipv4.conf.default.rp_filter', 'net.ipv4.conf.cali1.rp_filter'],
    ['net.ipv6.neigh.default.gc_stale_time', 'net.ipv6.neigh.cni0.gc_stale_time'],
    ['net.ipv6.conf.eth0.stable_secret', 'net.ipv6.conf.eth0.addr_gen_mode'],
    ['kernel.watchdog', 'kernel.soft_watchdog'],
  ])('%s, which changes or allows others, is written before %s', (before, after) => {
    const changes = [after, 'vm.swappiness', before].map((name) => ({ name, from: '0', to: '1' }));
    const names = writeOrder(changes).map((c) => c.name);
    expect(names.indexOf(before)).toBeLessThan(names.indexOf(after));
  });

  test.each([
    ['vm.dirty_bytes', 'vm.dirty_ratio'],
    ['vm.dirty_background_bytes', 'vm.dirty_background_ratio'],
    ['vm.overcommit_kbytes', 'vm.overcommit_ratio'],
  ])('of %s and %s writes the one that is 0 last, whichever it is', (bytes, ratio) => {
    const orders = [
      [
        { name: bytes, from: '0', to: '1000000' },
        { name: ratio, from: '20', to: '0' },
      ],
      [
        { name: ratio, from: '0', to: '20' },
        { name: bytes, from: '1000000', to: '0' },
      ],
    ];
    for (const changes of orders) {
      expect(writeOrder(changes)).toEqual(changes);
      expect(writeOrder(changes.toReversed())).toEqual(changes);
    }
  });

  test('keeps every change, and the given order where nothing is coupled', () => {
    const changes = ['vm.swappiness', 'fs.file-max', 'kernel.threads-max', 'fs.aio-max-nr'].map((name) => ({
      name,
      from: '1',
      to: '2',
    }));
    expect(writeOrder(changes)).toEqual(changes);
  });

  test('of one half of a pair alone does not matter', () => {
    const changes = [
      { name: 'vm.swappiness', from: '60', to: '1' },
      { name: 'kernel.sched_rt_runtime_us', from: '950000', to: '-1' },
    ];
    expect(writeOrder(changes)).toEqual(changes);
  });
});
