import { afterEach, expect } from '@jest/globals';
import { Enforcer } from '../../operator/agent/enforcer.ts';
import { ProcSys } from '../../operator/agent/kernel.ts';
import { Ledger } from '../../operator/agent/ledger.ts';
import { SETS_TO_ZERO, writeOrder } from '../../operator/sysctl/order.ts';
import { borrowing } from './support/host-values.ts';
import { Places, type Place } from './support/place.ts';
import { nothing, revision } from './support/revision.ts';
import { notShown, scenario, suite } from './support/scenario.ts';

const many = (place: Place, ...names: string[]): Promise<string[]> =>
  place.ask(...names.map((name): ['get', string] => ['get', name]));

const top = (value: string | undefined): string => value?.split(' ')[0] ?? '';

suite('keys that change, bound or follow each other (3.4)', () => {
  const places = new Places();
  afterEach(() => places.close());

  scenario(
    'ip_forward is conf.all.forwarding, sets every device and default, and clears all.accept_redirects',
    ['net.ipv4.ip_forward'],
    async () => {
      const place = await places.fresh('net');
      const keys = [
        'net.ipv4.ip_forward',
        'net.ipv4.conf.all.forwarding',
        'net.ipv4.conf.default.forwarding',
        'net.ipv4.conf.lo.forwarding',
      ];
      await place.ask(
        ['put', 'net.ipv4.ip_forward', '0\n'],
        ['put', 'net.ipv4.conf.all.accept_redirects', '1\n'],
      );
      await place.put('net.ipv4.ip_forward', '1');
      expect(await many(place, ...keys, 'net.ipv4.conf.all.accept_redirects')).toEqual([
        '1',
        '1',
        '1',
        '1',
        '0',
      ]);
      await place.put('net.ipv4.conf.all.forwarding', '0');
      expect(await many(place, ...keys)).toEqual(['0', '0', '0', '0']);
    },
  );

  const V6 = ['forwarding', 'disable_ipv6', 'addr_gen_mode', 'ignore_routes_with_linkdown'];
  scenario(
    'these of ipv6 conf.all reach every device',
    V6.map((key) => `net.ipv6.conf.all.${key}`),
    async () => {
      const place = await places.fresh('net');
      await place.sh('ip link add d0 type bridge');
      for (const key of V6) {
        const other = (await place.get(`net.ipv6.conf.d0.${key}`)) === '0' ? '1' : '0';
        expect(await place.put(`net.ipv6.conf.all.${key}`, other)).toBe('OK');
        expect([key, await place.get(`net.ipv6.conf.d0.${key}`)]).toEqual([key, other]);
      }
    },
  );

  const CONNTRACK = ['net.netfilter.nf_conntrack_max', 'net.nf_conntrack_max'];
  scenario('nf_conntrack_max has two names', CONNTRACK, async () => {
    await borrowing(CONNTRACK, async (set) => {
      const place = await places.host();
      const other = String(Number(await place.get(CONNTRACK[0] ?? '')) + 1);
      set(CONNTRACK[0] ?? '', other);
      expect(await place.get(CONNTRACK[1] ?? '')).toBe(other);
    });
  });

  scenario('watchdog sets soft_watchdog', ['kernel.watchdog', 'kernel.soft_watchdog'], async () => {
    await borrowing(['kernel.watchdog', 'kernel.soft_watchdog'], async (set) => {
      const place = await places.host();
      set('kernel.watchdog', '1');
      set('kernel.watchdog', '0');
      expect(await place.get('kernel.soft_watchdog')).toBe('0');
      set('kernel.watchdog', '1');
      expect(await place.get('kernel.soft_watchdog')).toBe('1');
    });
  });

  const NEIGH = 'net.ipv4.neigh.lo.';
  scenario(
    'neigh keys in two units are one value',
    [`${NEIGH}unres_qlen`, `${NEIGH}base_reachable_time`],
    async () => {
      const place = await places.fresh('net');
      await place.put(`${NEIGH}unres_qlen`, '7');
      const bytes = Number(await place.get(`${NEIGH}unres_qlen_bytes`));
      expect(bytes).toBeGreaterThan(7 * 1500);
      await place.put(`${NEIGH}unres_qlen_bytes`, String(bytes - 1));
      expect(await place.get(`${NEIGH}unres_qlen`)).toBe('6');
      await place.put(`${NEIGH}base_reachable_time_ms`, '7000');
      expect(await place.get(`${NEIGH}base_reachable_time`)).toBe('7');
      await place.put(`${NEIGH}retrans_time_ms`, '2000');
      expect(await place.get(`${NEIGH}retrans_time`)).toBe('200');
    },
  );

  scenario(
    'route.gc_min_interval in seconds and milliseconds is one value',
    ['net.ipv6.route.gc_min_interval'],
    async () => {
      const place = await places.fresh('net');
      await place.put('net.ipv6.route.gc_min_interval_ms', '3000');
      expect(await place.get('net.ipv6.route.gc_min_interval')).toBe('3');
    },
  );

  scenario(
    'mptcp pm_type and path_manager are one value',
    ['net.mptcp.pm_type', 'net.mptcp.path_manager'],
    async () => {
      const place = await places.fresh('net');
      await place.put('net.mptcp.pm_type', '1');
      expect(await place.get('net.mptcp.path_manager')).toBe('userspace');
      await place.put('net.mptcp.path_manager', 'kernel');
      expect(await place.get('net.mptcp.pm_type')).toBe('0');
    },
  );

  scenario(
    'a stable_secret sets addr_gen_mode to 2: the operator writes it first',
    ['net.ipv6.conf.lo.addr_gen_mode'],
    async () => {
      const place = await places.fresh('net');
      const changes = [
        { name: 'net.ipv6.conf.lo.addr_gen_mode', from: '0', to: '3' },
        { name: 'net.ipv6.conf.lo.stable_secret', from: '', to: 'fe80::1' },
      ];
      for (const { name, to } of writeOrder(changes)) expect(await place.put(name, to)).toBe('OK');
      expect(await place.get('net.ipv6.conf.lo.addr_gen_mode')).toBe('3');
      await place.put('net.ipv6.conf.lo.stable_secret', 'fe80::2');
      expect(await place.get('net.ipv6.conf.lo.addr_gen_mode')).toBe('2');
    },
  );

  const THRESHOLDS: readonly (readonly [low: string, high: string])[] = [
    ['net.ipv4.ipfrag_low_thresh', 'net.ipv4.ipfrag_high_thresh'],
    ['net.ipv6.ip6frag_low_thresh', 'net.ipv6.ip6frag_high_thresh'],
    ['net.netfilter.nf_conntrack_frag6_low_thresh', 'net.netfilter.nf_conntrack_frag6_high_thresh'],
    ['net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ip_local_port_range'],
  ];
  for (const [low, high] of THRESHOLDS)
    scenario(
      `${low} never gets above ${high}: in the operator's order both go wherever they must`,
      [low, high],
      async () => {
        const place = await places.fresh('net');
        const [, below, above, far] = high.endsWith('range')
          ? ['', '900', '1100 60999', '2000 60999']
          : ['', '1000', '2000', '9000'];
        const ways = [
          [below, above],
          [top(above), far],
          ['1', above],
          [below, far],
        ] as const;
        for (const [a = '', b = ''] of ways) {
          const [from = '', to = ''] = await many(place, low, high);
          for (const change of writeOrder([
            { name: low, from, to: a },
            { name: high, from: to, to: b },
          ]))
            expect(await place.put(change.name, change.to)).toBe('OK');
          expect((await many(place, low, high)).join(' ').replaceAll('\t', ' ')).toBe(`${a} ${b}`);
        }
        expect(await place.put(low, '65000')).toBe('EINVAL');
        expect(await place.put(high, high.endsWith('range') ? '1 60999' : '1')).toBe('EINVAL');
      },
    );

  const RT = ['kernel.sched_rt_runtime_us', 'kernel.sched_rt_period_us'] as const;
  scenario('sched_rt_runtime_us never gets above the period', RT, async () => {
    await borrowing(RT, async () => {
      const place = await places.host();
      const [runtime = '', period = ''] = await many(place, ...RT);
      expect(await place.puts(RT[0], String(Number(period) + 1))).toEqual(['EINVAL', runtime]);
      expect(await place.puts(RT[1], String(Number(runtime) - 1))).toEqual(['EINVAL', period]);
      // With groups of real-time tasks the share of the time must not become smaller than theirs: by little.
      const to = [String(Number(runtime) + 10_000), String(Number(period) - 10_000)] as const;
      for (const [there, back] of [
        [[runtime, period], to],
        [to, [runtime, period]],
      ] as const) {
        const changes = RT.map((name, i) => ({ name, from: there[i] ?? '', to: back[i] ?? '' }));
        for (const change of writeOrder(changes))
          expect(await place.puts(change.name, change.to)).toEqual(['OK', change.to]);
      }
    });
  });

  for (const [bytes, ratio] of Object.entries(SETS_TO_ZERO).filter(([name]) => !name.endsWith('ratio')))
    scenario(
      `${bytes} and ${ratio} set each other to 0, and the agent puts both back as they were`,
      [bytes, ratio],
      async () => {
        await borrowing([ratio, bytes], async (set) => {
          const place = await places.host();
          set(ratio, '21');
          expect(await many(place, bytes, ratio)).toEqual(['0', '21']);
          set(bytes, '300000000');
          expect(await many(place, bytes, ratio)).toEqual(['300000000', '0']);
          if (bytes.includes('dirty')) expect(await place.put(bytes, '0')).toBe('EINVAL');
          set(ratio, '21');

          const files = new Map<string, string>();
          const disk = {
            read: (file: string) => files.get(file),
            write: (file: string, text: string) => void files.set(file, text),
          };
          const enforcer = new Enforcer(new ProcSys(), Ledger.open('ledger', 'boot', disk));
          const wanted = revision('bytes', { name: bytes, value: '400000000' }, { name: ratio, value: '0' });
          expect(enforcer.apply(wanted).deviations).toEqual([]);
          expect(await many(place, bytes, ratio)).toEqual(['400000000', '0']);
          const turned = revision('ratio', { name: bytes, value: '0' }, { name: ratio, value: '22' });
          expect(enforcer.apply(turned).deviations).toEqual([]);
          expect(await many(place, bytes, ratio)).toEqual(['0', '22']);
          expect(enforcer.apply(nothing).deviations).toEqual([]);
          expect(await many(place, bytes, ratio)).toEqual(['0', '21']);
        });
      },
    );

  scenario(
    'writing many values back as they were leaves pairs wrong, but for the operator',
    ['vm.dirty_ratio', 'vm.dirty_bytes'],
    async () => {
      const pair = ['vm.dirty_ratio', 'vm.dirty_bytes'];
      await borrowing(pair, async (set) => {
        set('vm.dirty_ratio', '23');
        const place = await places.host();
        // What a restore of a saved list does, in the order of names.
        const saved = await many(place, ...pair);
        set('vm.dirty_bytes', '300000000');
        expect(await place.put('vm.dirty_bytes', saved[1] ?? '')).toBe('EINVAL');
        expect(await many(place, ...pair)).toEqual(['0', '300000000']);
      });
    },
  );

  scenario('triggers hold no value', ['vm.compact_memory', 'net.ipv4.route.flush'], async () => {
    const place = await places.fresh('net');
    expect(await place.put('net.ipv4.route.flush', '1')).toBe('OK');
    expect(await many(place, 'vm.compact_memory', 'net.ipv4.route.flush')).toEqual(['EACCES', 'EACCES']);
  });

  notShown(
    'modules_disabled, kexec_load_*, unprivileged_bpf_disabled and yama.ptrace_scope cannot be taken back',
    'they would hold until this machine is rebooted',
  );
  notShown(
    'shm_rmid_forced destroys orphaned segments at once',
    'they could be those of a program of this machine',
  );
});
