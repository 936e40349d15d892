import { afterEach, expect } from '@jest/globals';
import { writeOrder } from '../../operator/sysctl/order.ts';
import { borrowing } from './support/host-values.ts';
import { Places, type Place } from './support/place.ts';
import { notShown, scenario, suite } from './support/scenario.ts';

const many = (place: Place, ...names: string[]): Promise<string[]> =>
  place.ask(...names.map((name): ['get', string] => ['get', name]));

suite('keys that change or follow each other', () => {
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

  scenario('triggers hold no value', ['vm.compact_memory', 'net.ipv4.route.flush'], async () => {
    const place = await places.fresh('net');
    expect(await place.put('net.ipv4.route.flush', '1')).toBe('OK');
    expect(await many(place, 'vm.compact_memory', 'net.ipv4.route.flush')).toEqual(['EACCES', 'EACCES']);
  });

  notShown(
    'kexec_load_disabled and kexec_load_limit_* cannot be taken back (the others are shown in other-kernel.test.ts)',
    'they would hold until this machine is rebooted, and the kernel that is thrown away is built without kexec',
  );
  scenario(
    'shm_rmid_forced destroys the segments that nobody has attached, at once',
    ['kernel.shm_rmid_forced'],
    async () => {
      const place = await places.fresh('ipc');
      await place.sh('ipcmk --shmem 4096');
      const segments = async (): Promise<number> =>
        (await place.sh('tail -n +2 /proc/sysvipc/shm')).split('\n').filter(Boolean).length;
      expect(await segments()).toBe(1);
      await place.put('kernel.shm_rmid_forced', '1');
      expect(await segments()).toBe(0);
    },
  );
});
