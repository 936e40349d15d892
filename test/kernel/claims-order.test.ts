import { afterEach, expect } from '@jest/globals';
import { Enforcer } from '../../operator/agent/enforcer.ts';
import { ProcSys } from '../../operator/agent/kernel.ts';
import { Ledger } from '../../operator/agent/ledger.ts';
import { SETS_TO_ZERO, writeOrder } from '../../operator/sysctl/order.ts';
import { borrowing } from './support/host-values.ts';
import { Places, type Place } from './support/place.ts';
import { nothing, revision } from './support/revision.ts';
import { scenario, suite } from './support/scenario.ts';

const many = (place: Place, ...names: string[]): Promise<string[]> =>
  place.ask(...names.map((name): ['get', string] => ['get', name]));
const top = (value: string | undefined): string => value?.split(' ')[0] ?? '';

suite('keys that bound each other or set each other to 0', () => {
  const places = new Places();
  afterEach(() => places.close());

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
});
