import { describe, expect, test } from '@jest/globals';
import { sameValue } from '../../operator/sysctl/values.ts';

/** Measured on Linux 6.18 with HZ=250: what was written, and what the kernel then printed. */
const ROUNDED: readonly [name: string, pairs: readonly [wrote: string, reads: string][]][] = [
  ...[
    'net.ipv4.icmp_ratelimit',
    'net.ipv6.icmp.ratelimit',
    'net.ipv4.tcp_invalid_ratelimit',
    'net.ipv4.neigh.lo.base_reachable_time_ms',
    'net.ipv4.neigh.eth0/100.interval_probe_time_ms',
    'net.ipv4.neigh.default.retrans_time_ms',
    'net.ipv6.neigh.lo.retrans_time_ms',
    'net.ipv6.conf.all.mldv1_unsolicited_report_interval',
    'net.ipv6.conf.eth0.mldv2_unsolicited_report_interval',
    'net.ipv6.route.gc_min_interval_ms',
    'net.ipv4.route.gc_min_interval_ms',
  ].map((name): [string, [string, string][]] => [
    name,
    [
      ['1', '4'],
      ['2', '4'],
      ['3', '4'],
      ['501', '504'],
      ['1001', '1004'],
    ],
  ]),
  ...[
    'net.ipv4.neigh.lo.anycast_delay',
    'net.ipv6.neigh.default.locktime',
    'net.ipv4.neigh.eth0.proxy_delay',
    'net.ipv4.neigh.lo.retrans_time',
  ].map((name): [string, [string, string][]] => [
    name,
    [
      ['101', '100'],
      ['99', '98'],
      ['1', '0'],
      ['3', '2'],
    ],
  ]),
  ...['call-arptables', 'call-ip6tables', 'call-iptables', 'filter-pppoe-tagged', 'filter-vlan-tagged'].map(
    (key): [string, [string, string][]] => [
      `net.bridge.bridge-nf-${key}`,
      [
        ['2', '1'],
        ['4', '1'],
      ],
    ],
  ),
  ['dev.tty.legacy_tiocsti', [['2', '1']]],
  ['vm.hugetlb_optimize_vmemmap', [['-1', '1']]],
  [
    'fs.pipe-max-size',
    [
      ['1048577', '2097152'],
      ['1', '4096'],
    ],
  ],
  [
    'net.netfilter.nf_conntrack_buckets',
    [
      ['262145', '262656'],
      ['70000', '70144'],
      ['1000', '1024'],
    ],
  ],
  ['net.core.rps_sock_flow_entries', [['1000', '1024']]],
  [
    'kernel.sched_rr_timeslice_ms',
    [
      ['0', '100'],
      ['-1', '100'],
    ],
  ],
];
const cases = ROUNDED.flatMap(([name, pairs]) => pairs.map((pair) => [name, ...pair] as const));

describe('a value that the kernel rounds', () => {
  test.each(cases)('%s=%s reads back as %s and is no drift', (name, wrote, reads) => {
    expect(sameValue(name, wrote, reads)).toBe(true);
  });

  test.each([
    ['100', '110'],
    ['250', '104'],
    ['300', '104'],
    ['1000', '101'],
  ])('milliseconds are rounded by kernels of %s Hz too: 101 reads back as %s', (_, reads) => {
    expect(sameValue('net.ipv4.neigh.lo.retrans_time_ms', '101', reads)).toBe(true);
  });
});

describe('a value that somebody changed is drift', () => {
  test.each([
    ['net.ipv4.icmp_ratelimit', '1001', '1000'],
    ['net.ipv4.icmp_ratelimit', '1000', '1004'],
    ['net.ipv4.neigh.lo.locktime', '100', '99'],
    ['net.ipv4.neigh.lo.locktime', '100', '101'],
    ['net.ipv6.neigh.lo.retrans_time', '101', '100'],
    ['net.bridge.bridge-nf-call-iptables', '1', '0'],
    ['net.bridge.bridge-nf-call-iptables', '0', '1'],
    ['fs.pipe-max-size', '1048576', '2097152'],
    // The kernel's overflow: 4 GiB asked for, one page given.
    ['fs.pipe-max-size', '4294967296', '4096'],
    ['net.netfilter.nf_conntrack_buckets', '262144', '262656'],
    ['net.core.rps_sock_flow_entries', '0', '1'],
    ['net.core.rps_sock_flow_entries', '1024', '2048'],
    ['kernel.sched_rr_timeslice_ms', '101', '104'],
    ['net.ipv4.tcp_rto_max_ms', '1001', '1004'],
    ['vm.swappiness', '10', '12'],
    ['vm.swappiness', '10', ''],
    ['kernel.sem', '250 256000 32 1024', '250\t256000\t32\t1025'],
  ])('%s: wanted %s, found %j', (name, wanted, live) => {
    expect(sameValue(name, wanted, live)).toBe(false);
  });
});
