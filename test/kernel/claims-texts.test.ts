import { afterEach, expect } from '@jest/globals';
import { checkShape, sameValue } from '../../operator/sysctl/values.ts';
import { borrowing } from './support/host-values.ts';
import { Places } from './support/place.ts';
import { scenario, suite } from './support/scenario.ts';

suite('lists, masks and texts', () => {
  const places = new Places();
  afterEach(() => places.close());

  const RESERVED = 'net.ipv4.ip_local_reserved_ports';
  scenario(
    'ip_local_reserved_ports is sorted and joined; blanks are EINVAL; above 4095 bytes a part is taken',
    [RESERVED],
    async () => {
      const place = await places.fresh('net');
      for (const [wrote, reads] of [
        ['3,1,2', '1-3'],
        ['1-5,3-9', '1-9'],
        ['8080,', '8080'],
        ['0x10,010', '8,16'],
      ] as const) {
        expect([wrote, ...(await place.puts(RESERVED, wrote))]).toEqual([wrote, 'OK', reads]);
        expect(sameValue(RESERVED, wrote, reads)).toBe(true);
      }
      expect(await place.put(RESERVED, '80, 90')).toBe('EINVAL');
      expect(checkShape(RESERVED, '80, 90')).toBeDefined();
      const long = Array.from({ length: 1500 }, (_, i) => 10_000 + 2 * i).join(',');
      const [, live] = await place.puts(RESERVED, long);
      expect(live.length).toBeLessThan(long.length);
    },
  );

  scenario(
    'CPU masks are hexadecimal without 0x; CPUs that the machine does not have are EOVERFLOW',
    ['net.core.rps_default_mask'],
    async () => {
      const place = await places.fresh('net');
      const name = 'net.core.rps_default_mask';
      expect(await place.puts(name, '00000001')).toEqual(['OK', expect.stringMatching(/^[0,]*1$/)]);
      expect(await place.put(name, '0x1')).toBe('EINVAL');
      expect(await place.put(name, `1,${'00000000,'.repeat(300)}0`)).toBe('EOVERFLOW');
      expect([checkShape(name, '0x1') !== undefined, sameValue(name, '00000001', '1')]).toEqual([true, true]);
    },
  );

  scenario(
    'watchdog_cpumask is a list; CPUs that the machine does not have are left out',
    ['kernel.watchdog_cpumask'],
    async () => {
      await borrowing(['kernel.watchdog_cpumask'], async () => {
        const place = await places.host();
        expect(await place.puts('kernel.watchdog_cpumask', '0')).toEqual(['OK', '0']);
        const missing = Number(await place.sh("sed 's/.*[-,]//' /sys/devices/system/cpu/possible")) + 1;
        expect(await place.puts('kernel.watchdog_cpumask', `0,${missing}`)).toEqual(['OK', '0']);
        expect(await place.puts('kernel.watchdog_cpumask', `${missing}`)).toEqual(['OK', '']);
      });
    },
  );

  scenario(
    'host and domain names are cut after 64 bytes without a word',
    ['kernel.hostname', 'kernel.domainname'],
    async () => {
      const place = await places.fresh('uts');
      for (const name of ['kernel.hostname', 'kernel.domainname']) {
        expect(await place.puts(name, 'x'.repeat(70))).toEqual(['OK', 'x'.repeat(64)]);
        expect(checkShape(name, 'x'.repeat(65))).toMatch(/takes 64 bytes, not 65/);
      }
    },
  );

  const CORE = 'kernel.core_pattern';
  scenario(
    'core_pattern is cut after 127 bytes, keeps its blanks, and takes a relative program',
    [CORE],
    async () => {
      await borrowing([CORE], async () => {
        const place = await places.host();
        expect(await place.puts(CORE, `/nowhere/${'x'.repeat(140)}`)).toEqual([
          'OK',
          `/nowhere/${'x'.repeat(118)}`,
        ]);
        for (const text of ['|relative', '/nowhere/a  b'])
          expect(await place.puts(CORE, text)).toEqual(['OK', text]);
        expect(sameValue(CORE, '/nowhere/a  b', '/nowhere/a b')).toBe(false);
        expect(checkShape(CORE, `/nowhere/${'x'.repeat(140)}`)).toMatch(/takes 127 bytes, not 149/);
      });
    },
  );

  scenario('core_pattern: a socket needs an absolute path', [CORE, 'Linux 6.17'], async () => {
    await borrowing([CORE], async () => {
      const place = await places.host();
      expect(await place.put(CORE, '@relative')).toBe('EINVAL');
      expect(await place.put(CORE, '@@/nowhere/socket')).toBe('OK');
    });
  });

  scenario(
    'tcp_congestion_control: an unknown name is ENOENT, one that the node does not allow EPERM',
    ['net.ipv4.tcp_congestion_control'],
    async () => {
      const place = await places.fresh('net');
      const key = 'net.ipv4.tcp_congestion_control';
      expect(await place.put(key, 'nonsense')).toBe('ENOENT');
      const [available = '', allowed = ''] = await place.ask(
        ['get', 'net.ipv4.tcp_available_congestion_control'],
        ['get', 'net.ipv4.tcp_allowed_congestion_control'],
      );
      const forbidden = available.split(' ').filter((name) => !allowed.split(' ').includes(name));
      for (const name of forbidden) expect([name, await place.put(key, name)]).toEqual([name, 'EPERM']);
      if (forbidden.length === 0)
        process.stderr.write('!!! NOT SHOWN: this machine allows every congestion control\n');
      expect(await place.puts(key, 'reno')).toEqual(['OK', 'reno']);
    },
  );

  scenario('default_qdisc: an unknown name is ENOENT', ['net.core.default_qdisc'], async () => {
    const place = await places.host();
    const before = await place.get('net.core.default_qdisc');
    expect(await place.puts('net.core.default_qdisc', 'nonsense')).toEqual(['ENOENT', before]);
  });

  scenario('stable_secret is EIO until it is set and reads back in full length', [], async () => {
    const place = await places.fresh('net');
    const name = 'net.ipv6.conf.lo.stable_secret';
    expect(await place.get(name)).toBe('EIO');
    expect(await place.puts(name, 'fe80::1')).toEqual(['OK', 'fe80:0000:0000:0000:0000:0000:0000:0001']);
    expect(sameValue(name, 'fe80::1', await place.get(name))).toBe(true);
  });

  const ACTIONS = 'kernel.seccomp.actions_logged';
  scenario('seccomp.actions_logged is put into the order of the kernel', [ACTIONS], async () => {
    await borrowing([ACTIONS], async () => {
      const place = await places.host();
      const wrote = 'log errno kill_process';
      expect(await place.puts(ACTIONS, wrote)).toEqual(['OK', 'kill_process errno log']);
      expect(sameValue(ACTIONS, wrote, 'kill_process errno log')).toBe(true);
    });
  });
});
