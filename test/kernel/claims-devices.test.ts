import { afterEach, expect } from '@jest/globals';
import { borrowing } from './support/host-values.ts';
import { Places, type Place } from './support/place.ts';
import { scenario, suite } from './support/scenario.ts';

const MODE = 'net.core.devconf_inherit_init_net';
const DEFAULT = 'net.ipv4.conf.default.tag';
const addDevice = (place: Place, name: string): Promise<string> =>
  place.sh(`ip link add ${name} type bridge`);
const tagOf = (place: Place, device: string): Promise<string> => place.get(`net.ipv4.conf.${device}.tag`);

/** Other values, each of which its key takes. */
const changed = (value: string): string =>
  value === '1' ? '0' : value === '0' ? '1' : String(Number(value) + 1);

suite('the interfaces of a network namespace', () => {
  const places = new Places();
  afterEach(() => places.close());

  /** Nobody ever wrote its ipv4 conf.default: not what a copy of the machine's can promise. */
  const untouched = (body: (place: Place) => Promise<void>): Promise<void> =>
    borrowing([MODE], async (set) => {
      set(MODE, '2');
      await body(await places.fresh('net'));
    });

  scenario('a new one is a copy of default, of both families', [MODE], () =>
    untouched(async (place) => {
      await place.ask(['put', DEFAULT, '41\n'], ['put', 'net.ipv6.conf.default.hop_limit', '42\n']);
      await addDevice(place, 'd0');
      expect(await place.ask(['get', 'net.ipv4.conf.d0.tag'], ['get', 'net.ipv6.conf.d0.hop_limit'])).toEqual(
        ['41', '42'],
      );
    }),
  );

  scenario(
    'a write of ipv4 default also rewrites those that nobody set and that have no address',
    [MODE],
    () =>
      untouched(async (place) => {
        for (const device of ['plain', 'explicit', 'addressed']) await addDevice(place, device);
        await place.put('net.ipv4.conf.explicit.tag', '7');
        await place.sh('ip address add 192.0.2.1/24 dev addressed');
        expect(await place.put(DEFAULT, '9')).toBe('OK');
        expect(await tagOf(place, 'plain')).toBe('9');
        expect(await tagOf(place, 'explicit')).toBe('7');
        expect(await tagOf(place, 'addressed')).toBe('0');
      }),
  );

  scenario(
    'that somebody once wrote default is handed on to later namespaces, where it rewrites nothing any more',
    [MODE],
    () =>
      borrowing([MODE], async (set) => {
        set(MODE, '2');
        const parent = await places.fresh('net');
        await parent.put(DEFAULT, '3');
        // From the parent: the machine's own could not be taken back.
        set(MODE, '3');
        const child = await parent.inside('net');
        await addDevice(child, 'd0');
        expect(await tagOf(child, 'd0')).toBe('3');
        expect(await child.put(DEFAULT, '4')).toBe('OK');
        expect(await tagOf(child, 'd0')).toBe('3');
      }),
  );

  scenario('conf.lo of a new namespace is a copy of its own default', [MODE], () =>
    borrowing([MODE], async (set) => {
      set(MODE, '3');
      const parent = await places.fresh('net');
      await parent.put(DEFAULT, '55');
      expect(await tagOf(await parent.inside('net'), 'lo')).toBe('55');
    }),
  );

  const NEIGH = 'net.ipv4.neigh.default.gc_stale_time';
  scenario("neigh.lo of a new namespace is a copy of the machine's neigh.default", [NEIGH], () =>
    borrowing([NEIGH], async (set) => {
      set(NEIGH, '61');
      expect(await (await places.fresh('net')).get('net.ipv4.neigh.lo.gc_stale_time')).toBe('61');
    }),
  );

  scenario('ipv6 all and default never reach existing ones, but for five keys of all', [], async () => {
    const place = await places.fresh('net');
    await addDevice(place, 'd0');
    const keys = (await place.sh('ls /proc/sys/net/ipv6/conf/all'))
      .split('\n')
      .filter((key) => key !== 'stable_secret');
    const reached: Record<string, string[]> = { all: [], default: [] };
    for (const key of keys)
      for (const source of ['all', 'default']) {
        const device = `net.ipv6.conf.d0.${key}`;
        const before = await place.get(device);
        const said = await place.put(
          `net.ipv6.conf.${source}.${key}`,
          changed(await place.get(`net.ipv6.conf.${source}.${key}`)),
        );
        if (said === 'OK' && (await place.get(device)) !== before) reached[source]?.push(key);
      }
    const known = [
      'addr_gen_mode',
      'disable_ipv6',
      'force_forwarding',
      'forwarding',
      'ignore_routes_with_linkdown',
    ];
    expect(reached['default']?.filter((key) => !known.includes(key))).toEqual([]);
    expect(reached['all']).toEqual(known.filter((key) => keys.includes(key)));
  });

  scenario('its files come and go with it: as many conf and neigh files as lo has', [], async () => {
    const place = await places.fresh('net');
    const count = (device: string): Promise<string> =>
      place.sh(
        `cd /proc/sys/net; for d in ipv4/conf ipv6/conf ipv4/neigh ipv6/neigh; do ls $d/${device} | wc -l; done`,
      );
    await addDevice(place, 'd0');
    expect(await count('d0')).toBe(await count('lo'));
    expect(Number((await count('d0')).split('\n')[0])).toBeGreaterThan(25);
    expect(await place.put('net.ipv4.conf.d0.rp_filter', '2')).toBe('OK');
    await place.sh('ip link delete d0');
    expect(
      await place.ask(['get', 'net.ipv4.conf.d0.rp_filter'], ['put', 'net.ipv4.conf.d0.rp_filter', '1\n']),
    ).toEqual(['ENOENT', 'ENOENT']);
  });
});
