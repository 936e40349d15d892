import { afterEach, expect } from '@jest/globals';
import { checkShape, sameValue } from '../../operator/sysctl/values.ts';
import { borrowing } from './support/host-values.ts';
import { Places } from './support/place.ts';
import { scenario, suite } from './support/scenario.ts';

suite('tuples', () => {
  const places = new Places();
  afterEach(() => places.close());

  scenario('tuples are printed with tabs and read with blanks or tabs', ['net.ipv4.tcp_rmem'], async () => {
    const place = await places.fresh('net');
    expect(await place.puts('net.ipv4.tcp_rmem', '4096  131072\t6291457')).toEqual([
      'OK',
      '4096\t131072\t6291457',
    ]);
  });

  scenario(
    'fewer values change only the first ones, more are ignored; the operator refuses both',
    ['kernel.sem'],
    async () => {
      const place = await places.fresh('ipc');
      expect(await place.puts('kernel.sem', '100')).toEqual(['OK', '100\t1024000000\t500\t32000']);
      expect(await place.puts('kernel.sem', '1 2 3 4 5')).toEqual(['OK', '1\t2\t3\t4']);
      expect(checkShape('kernel.sem', '100')).toMatch(/takes 4 values, not 1/);
      expect(checkShape('kernel.sem', '1 2 3 4 5')).toMatch(/takes 4 values, not 5/);
    },
  );

  scenario('a refused tuple is kept in part; the operator refuses it before', ['kernel.sem'], async () => {
    const place = await places.fresh('ipc');
    expect(await place.puts('kernel.sem', '1 2 x 3')).toEqual(['EINVAL', '1\t2\t500\t32000']);
    expect(await place.puts('kernel.sem', '5 6 7 16777217')).toEqual(['ERANGE', '5\t6\t7\t32000']);
    expect(await place.puts('kernel.sem', '-1 -2 -3 4')).toEqual(['OK', '-1\t-2\t-3\t4']);
    expect(checkShape('kernel.sem', '1 2 x 3')).toMatch(/"x" is not an integer/);
    expect(checkShape('kernel.sem', '5 6 7 16777217')).toMatch(/"16777217" is not between/);
  });

  const RATIO = 'vm.lowmem_reserve_ratio';
  scenario(
    'lowmem_reserve_ratio takes "256,256" without an error and reads no further',
    [RATIO],
    async () => {
      await borrowing([RATIO], async () => {
        const place = await places.host();
        const before = await place.get(RATIO);
        const [said, live] = await place.puts(RATIO, '256,256');
        expect([said, live.split('\t').length]).toEqual(['OK', before.split('\t').length]);
        expect(checkShape(RATIO, '256,256', before)).toMatch(/takes \d values, not 1/);
      });
    },
  );

  scenario(
    'tcp_rmem wants each number to be 1 or more, in no order',
    ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'],
    async () => {
      const place = await places.fresh('net');
      for (const name of ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']) {
        expect(await place.puts(name, '10 5 1')).toEqual(['OK', '10\t5\t1']);
        expect(await place.puts(name, '3 0 4')).toEqual(['EINVAL', '3\t5\t1']);
        expect(checkShape(name, '3 0 4')).toMatch(/"0" is not between 1 and/);
      }
    },
  );

  scenario(
    'tcp_mem and udp_mem take numbers in any order, and zeros',
    ['net.ipv4.tcp_mem', 'net.ipv4.udp_mem'],
    async () => {
      await borrowing(['net.ipv4.tcp_mem', 'net.ipv4.udp_mem'], async () => {
        const place = await places.host();
        const max = 2 ** 24;
        for (const name of ['net.ipv4.tcp_mem', 'net.ipv4.udp_mem']) {
          // Large ones: the machine's sockets go on.
          expect(await place.puts(name, `${max + 3} ${max + 2} ${max + 1}`)).toEqual([
            'OK',
            `${max + 3}\t${max + 2}\t${max + 1}`,
          ]);
          expect(checkShape(name, '0 0 0')).toBeUndefined();
        }
      });
    },
  );

  const PORTS = 'net.ipv4.ip_local_port_range';
  scenario(
    'ip_local_port_range: first <= last <= 65535, not below the unprivileged ports; one number changes the first',
    [PORTS],
    async () => {
      const place = await places.fresh('net');
      for (const bad of ['2000 1000', '1024 65536', '0 100', '1023 60000'])
        expect([bad, ...(await place.puts(PORTS, bad))]).toEqual([bad, 'EINVAL', '32768\t60999']);
      expect(await place.puts(PORTS, '2000')).toEqual(['OK', '2000\t60999']);
      for (const bad of ['2000 1000', '1024 65536', '0 100', '2000'])
        expect(checkShape(PORTS, bad)).toBeDefined();
    },
  );

  const GROUPS = 'net.ipv4.ping_group_range';
  scenario(
    'ping_group_range: a first group above the last becomes 1 0; one number changes the first',
    [GROUPS],
    async () => {
      const place = await places.fresh('net');
      expect(await place.puts(GROUPS, '5 1')).toEqual(['OK', '1\t0']);
      expect(sameValue(GROUPS, '5 1', '1\t0')).toBe(true);
      await place.put(GROUPS, '3 9');
      expect(await place.puts(GROUPS, '0')).toEqual(['OK', '0\t9']);
      expect(await place.puts(GROUPS, '0 4294967295')).toEqual(['EINVAL', '0\t9']);
      expect(checkShape(GROUPS, '0 4294967295')).toMatch(/is not between 0 and 4294967294/);
    },
  );
});
