import { afterEach, expect } from '@jest/globals';
import { checkShape, sameValue } from '../../operator/sysctl/values.ts';
import { borrowing } from './support/host-values.ts';
import { Places, type Kind } from './support/place.ts';
import { scenario, suite } from './support/scenario.ts';

/** Upwards to a whole number of clock ticks; what is read tells how long one is. */
const MILLISECONDS = [
  'net.ipv4.icmp_ratelimit',
  'net.ipv4.tcp_invalid_ratelimit',
  'net.ipv4.neigh.lo.base_reachable_time_ms',
  'net.ipv4.neigh.lo.interval_probe_time_ms',
  'net.ipv6.neigh.lo.retrans_time_ms',
  'net.ipv6.conf.lo.mldv1_unsolicited_report_interval',
  'net.ipv6.conf.lo.mldv2_unsolicited_report_interval',
  'net.ipv6.route.gc_min_interval_ms',
  'net.ipv6.icmp.ratelimit',
];
const HUNDREDTHS = [
  ...['anycast_delay', 'locktime', 'proxy_delay', 'retrans_time'].map((key) => `net.ipv4.neigh.lo.${key}`),
  ...['anycast_delay', 'locktime', 'proxy_delay'].map((key) => `net.ipv6.neigh.lo.${key}`),
];
const BRIDGE = [
  'call-arptables',
  'call-ip6tables',
  'call-iptables',
  'filter-pppoe-tagged',
  'filter-vlan-tagged',
  'pass-vlan-input-dev',
].map((key) => `net.bridge.bridge-nf-${key}`);

suite('what is written is not always what is read, and is no drift', () => {
  const places = new Places();
  afterEach(() => places.close());

  /** Every pair in a place of its own; the operator takes what is read for what was written. */
  const reads = async (
    names: readonly string[],
    pairs: readonly [wrote: string, reads: string][],
    ...kinds: Kind[]
  ): Promise<void> => {
    const place = await places.fresh(...kinds);
    for (const name of names)
      for (const [wrote, live] of pairs) {
        expect([name, wrote, ...(await place.puts(name, wrote))]).toEqual([name, wrote, 'OK', live]);
        expect([name, wrote, sameValue(name, wrote, live)]).toEqual([name, wrote, true]);
      }
  };

  scenario('milliseconds go up to the next tick of the clock', MILLISECONDS, async () => {
    const place = await places.fresh('net');
    const [, tick] = await place.puts('net.ipv4.icmp_ratelimit', '1');
    const up = (ms: number): string => String(Math.ceil(ms / Number(tick)) * Number(tick));
    expect(['1', '4', '10']).toContain(tick);
    for (const name of MILLISECONDS)
      for (const ms of [1, 501, 1001]) {
        expect([name, ms, ...(await place.puts(name, String(ms)))]).toEqual([name, ms, 'OK', up(ms)]);
        expect(sameValue(name, String(ms), up(ms))).toBe(true);
      }
  });

  scenario('hundredths of a second lose what 250 ticks cannot hold', HUNDREDTHS, async () => {
    const place = await places.fresh('net');
    const [, tick] = await place.puts('net.ipv4.icmp_ratelimit', '1');
    const odd = (value: number): string => String(tick === '4' ? value - 1 : value);
    for (const name of HUNDREDTHS)
      for (const value of [101, 99, 1]) {
        expect([name, value, ...(await place.puts(name, String(value)))]).toEqual([
          name,
          value,
          'OK',
          odd(value),
        ]);
        expect(sameValue(name, String(value), odd(value))).toBe(true);
      }
  });

  scenario(
    'ipv6 retrans_time is in ticks of the kernel and keeps each of them',
    ['net.ipv6.neigh.lo.retrans_time'],
    () =>
      reads(
        ['net.ipv6.neigh.lo.retrans_time'],
        [
          ['101', '101'],
          ['1', '1'],
        ],
        'net',
      ),
  );

  scenario('bridge-nf-*: anything but 0 is 1', BRIDGE, () =>
    reads(
      BRIDGE,
      [
        ['0', '0'],
        ['2', '1'],
        ['-7', '1'],
      ],
      'net',
    ),
  );

  const PIPE = 'fs.pipe-max-size';
  scenario(
    'fs.pipe-max-size: up to a power of two, from a page on; 4294967296 wraps to a page',
    [PIPE],
    async () => {
      await borrowing([PIPE], async () => {
        const place = await places.host();
        for (const [wrote, live] of [
          ['1048577', '2097152'],
          ['1', '4096'],
          ['0', '4096'],
          ['2147483648', '2147483648'],
        ] as const) {
          expect([wrote, ...(await place.puts(PIPE, wrote))]).toEqual([wrote, 'OK', live]);
          expect(sameValue(PIPE, wrote, live)).toBe(true);
        }
        expect(await place.puts(PIPE, '4294967296')).toEqual(['OK', '4096']);
        expect(checkShape(PIPE, '4294967296')).toMatch(/is not between/);
        expect(await place.put(PIPE, '2147483649')).toBe('EINVAL');
      });
    },
  );

  const BUCKETS = 'net.netfilter.nf_conntrack_buckets';
  scenario(
    'nf_conntrack_buckets: up to whole pages',
    [BUCKETS, 'net.netfilter.nf_conntrack_max'],
    async () => {
      // The second one follows the first one.
      await borrowing([BUCKETS, 'net.netfilter.nf_conntrack_max'], async () => {
        const place = await places.host();
        for (const wrote of ['70000', '65535']) {
          const [said, live] = await place.puts(BUCKETS, wrote);
          expect([wrote, said, sameValue(BUCKETS, wrote, live), Number(live) > Number(wrote)]).toEqual([
            wrote,
            'OK',
            true,
            true,
          ]);
        }
      });
    },
  );

  const FLOWS = 'net.core.rps_sock_flow_entries';
  const TABLE = 'net.core.flow_limit_table_len';
  scenario(
    'rps_sock_flow_entries: up to a power of two; flow_limit_table_len: nothing else',
    [FLOWS, TABLE],
    async () => {
      await borrowing([FLOWS, TABLE], async () => {
        const place = await places.host();
        expect(await place.puts(FLOWS, '1000')).toEqual(['OK', '1024']);
        expect(sameValue(FLOWS, '1000', '1024')).toBe(true);
        expect(await place.put(TABLE, '1000')).toBe('EINVAL');
        expect(await place.puts(TABLE, '8192')).toEqual(['OK', '8192']);
      });
    },
  );

  const SLICE = 'kernel.sched_rr_timeslice_ms';
  scenario('sched_rr_timeslice_ms: 0 and less are 100', [SLICE], async () => {
    await borrowing([SLICE], async () => {
      const place = await places.host();
      for (const wrote of ['0', '-1']) {
        expect(await place.puts(SLICE, wrote)).toEqual(['OK', '100']);
        expect(sameValue(SLICE, wrote, '100')).toBe(true);
      }
    });
  });

  const RATIO = 'vm.lowmem_reserve_ratio';
  scenario('lowmem_reserve_ratio: what is below 0 is 0', [RATIO], async () => {
    await borrowing([RATIO], async () => {
      const place = await places.host();
      const zones = (await place.get(RATIO)).split('\t').slice(1);
      const [wrote, live] = [['-5', ...zones].join(' '), ['0', ...zones].join('\t')];
      expect(await place.puts(RATIO, wrote)).toEqual(['OK', live]);
      expect(sameValue(RATIO, wrote, live)).toBe(true);
    });
  });

  const IGNORED = [
    'kernel.auto_msgmni',
    'kernel.random.write_wakeup_threshold',
    'kernel.random.urandom_min_reseed_secs',
    'vm.numa_zonelist_order',
  ];
  for (const name of IGNORED)
    scenario(
      `${name} takes a write and ignores it: drift that nobody can correct is reported`,
      [name],
      async () => {
        const place = await places.host();
        const before = await place.get(name);
        const other = name.endsWith('order') ? 'default' : String(Number(before) + 1);
        expect(await place.puts(name, other)).toEqual(['OK', before]);
        expect(sameValue(name, other, before)).toBe(false);
      },
    );
});
