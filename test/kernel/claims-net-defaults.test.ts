import { afterEach, expect } from '@jest/globals';
import { borrowing } from './support/host-values.ts';
import { Places, type Place } from './support/place.ts';
import { scenario, suite } from './support/scenario.ts';

const HARD_CODED: Readonly<Record<string, [fresh: string, other: string]>> = {
  'net.core.somaxconn': ['4096', '4095'],
  'net.core.optmem_max': ['131072', '131071'],
  'net.ipv4.ip_local_port_range': ['32768\t60999', '32769\t60998'],
  'net.ipv4.ip_unprivileged_port_start': ['1024', '1023'],
  'net.ipv4.ping_group_range': ['1\t0', '0\t0'],
  'net.ipv4.tcp_keepalive_time': ['7200', '7199'],
  'net.ipv4.tcp_fin_timeout': ['60', '59'],
  'net.ipv4.tcp_syncookies': ['1', '2'],
  'net.unix.max_dgram_qlen': ['10', '11'],
  'net.netfilter.nf_conntrack_tcp_timeout_established': ['432000', '431999'],
};
const FROM_INIT = {
  'net.ipv4.tcp_rmem': '4097\t131073\t6291457',
  'net.ipv4.tcp_wmem': '4098\t16385\t4194305',
  // Not used for any decision: the machine goes on as it was.
  'net.ipv4.conf.all.igmpv3_unsolicited_report_interval': '1234',
  'net.ipv4.conf.all.tag': '17',
};
const MODE = 'net.core.devconf_inherit_init_net';
const V4 = 'net.ipv4.conf.default.tag';
const V6 = 'net.ipv6.conf.default.hop_limit';

const all = async (place: Place, names: readonly string[]): Promise<string[]> =>
  place.ask(...names.map((name): ['get', string] => ['get', name]));
const ipv4Defaults = async (place: Place): Promise<Record<string, string>> => {
  const [text = ''] = await place.ask(['sh', 'cd /proc/sys/net/ipv4/conf && grep -r "" all default']);
  return Object.fromEntries(text.split('\n').map((line) => line.split(':') as [string, string]));
};

suite('what a new network namespace starts with', () => {
  const places = new Places();
  afterEach(() => places.close());

  const names = Object.keys(HARD_CODED);
  const values = Object.values(HARD_CODED).map(([value]) => value);
  scenario('hard-coded values, whatever the creating namespace has', names, async () => {
    const parent = await places.fresh('net');
    expect(await all(parent, names)).toEqual(values);
    for (const [name, [, other]] of Object.entries(HARD_CODED))
      expect(await parent.puts(name, other)).toEqual(['OK', other]);
    expect(await all(await parent.inside('net'), names)).toEqual(values);
  });

  const quiet = [
    'net.core.optmem_max',
    'net.ipv4.tcp_fin_timeout',
    'net.ipv4.tcp_keepalive_time',
    'net.unix.max_dgram_qlen',
  ];
  scenario('and whatever the machine has: sysctl.d of the node never reaches a pod', quiet, async () => {
    await borrowing(quiet, async (set) => {
      for (const name of quiet) set(name, HARD_CODED[name]?.[1] ?? '');
      expect(await all(await places.fresh('net'), quiet)).toEqual(quiet.map((name) => HARD_CODED[name]?.[0]));
    });
  });

  scenario("the machine's TCP buffers and ipv4 conf.all do reach it", Object.keys(FROM_INIT), async () => {
    await borrowing([MODE, ...Object.keys(FROM_INIT)], async (set) => {
      set(MODE, '0');
      for (const [name, value] of Object.entries(FROM_INIT)) set(name, value);
      expect(await all(await places.fresh('net'), Object.keys(FROM_INIT))).toEqual(Object.values(FROM_INIT));
    });
  });

  scenario("so does the machine's congestion control", ['net.ipv4.tcp_congestion_control'], async () => {
    const machine = await places.host();
    const [current, allowed = ''] = await all(machine, [
      'net.ipv4.tcp_congestion_control',
      'net.ipv4.tcp_allowed_congestion_control',
    ]);
    const other = allowed.split(' ').find((name) => name !== current) ?? 'reno';
    await borrowing(['net.ipv4.tcp_congestion_control'], async (set) => {
      set('net.ipv4.tcp_congestion_control', other);
      expect(await (await places.fresh('net')).get('net.ipv4.tcp_congestion_control')).toBe(other);
    });
  });

  scenario(
    'every ipv4 conf.all and conf.default is a copy of what the machine has, ip_forward among them',
    [MODE],
    async () => {
      await borrowing([MODE], async (set) => {
        set(MODE, '0');
        const [machine, fresh] = [await places.host(), await places.fresh('net')];
        const own = await ipv4Defaults(machine);
        expect(Object.keys(own).length).toBeGreaterThan(60);
        expect(await ipv4Defaults(fresh)).toEqual(own);
        expect(await fresh.get('net.ipv4.ip_forward')).toBe(await machine.get('net.ipv4.ip_forward'));
      });
    },
  );

  scenario('never of the creating namespace’s', [...Object.keys(FROM_INIT), V4], async () => {
    const parent = await places.fresh('net');
    const before = await all(parent, [...Object.keys(FROM_INIT), V4]);
    for (const [name, value] of Object.entries({ ...FROM_INIT, [V4]: '99' }))
      expect(await parent.puts(name, value)).toEqual(['OK', value]);
    expect(await all(await parent.inside('net'), [...Object.keys(FROM_INIT), V4])).toEqual(before);
  });

  const HASH = 'net.ipv4.tcp_child_ehash_entries';
  scenario(
    'the connection table is the machine’s, or one of its own as the parent says; then the limits are small',
    [HASH, 'net.ipv4.tcp_ehash_entries', 'net.ipv4.tcp_max_tw_buckets'],
    async () => {
      const parent = await places.fresh('net');
      const shared = Number(await (await parent.inside('net')).get('net.ipv4.tcp_ehash_entries'));
      expect(await parent.puts(HASH, '1000')).toEqual(['OK', '1000']);
      const child = await parent.inside('net');
      expect(shared).toBeLessThan(0);
      expect(
        await all(child, [
          'net.ipv4.tcp_ehash_entries',
          'net.ipv4.tcp_max_tw_buckets',
          'net.ipv4.tcp_max_syn_backlog',
        ]),
      ).toEqual(['1024', '512', '128']);
    },
  );

  const UDP = 'net.ipv4.udp_child_hash_entries';
  scenario('so is the table of UDP sockets', [UDP, 'net.ipv4.udp_hash_entries'], async () => {
    const parent = await places.fresh('net');
    const shared = Number(await (await parent.inside('net')).get('net.ipv4.udp_hash_entries'));
    await parent.put(UDP, '1000');
    expect(shared).toBeLessThan(0);
    expect(await (await parent.inside('net')).get('net.ipv4.udp_hash_entries')).toBe('1024');
  });

  scenario(
    'devconf_inherit_init_net says what is copied: 0 ipv4, 1 both, 2 nothing, 3 both from the parent; no more',
    [MODE, V4, V6],
    async () => {
      const seen: Record<string, string[]> = {};
      await borrowing([MODE, 'net.ipv4.conf.all.tag', 'net.ipv6.conf.all.hop_limit'], async (set) => {
        set('net.ipv4.conf.all.tag', '17');
        set('net.ipv6.conf.all.hop_limit', '65');
        const keys = ['net.ipv4.conf.all.tag', 'net.ipv6.conf.all.hop_limit'];
        const parent = await places.fresh('net');
        await parent.ask(['put', keys[0] ?? '', '18\n'], ['put', keys[1] ?? '', '66\n']);
        for (const mode of ['0', '1', '2', '3']) {
          set(MODE, mode);
          seen[mode] = await all(await parent.inside('net'), keys);
        }
        expect(await (await places.host()).puts(MODE, '4')).toEqual(['EINVAL', '3']);
      });
      expect(seen).toEqual({ 0: ['17', '64'], 1: ['17', '65'], 2: ['0', '64'], 3: ['18', '66'] });
    },
  );
});
