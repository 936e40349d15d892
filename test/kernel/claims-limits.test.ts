import { afterEach, expect } from '@jest/globals';
import { allEntries } from '../../operator/sysctl/catalog/index.ts';
import { checkShape } from '../../operator/sysctl/values.ts';
import { borrowing } from './support/host-values.ts';
import { Places } from './support/place.ts';
import { machineHas, scenario, suite } from './support/scenario.ts';

/** Accepted at both ends, EINVAL beyond. What is undefined has no such end, or one that a machine should not be given. */
const LIMITS: readonly [name: string, min: number | undefined, max: number | undefined][] = [
  ['vm.swappiness', 0, 200],
  ['vm.overcommit_memory', 0, undefined],
  ['vm.dirty_ratio', undefined, 100],
  ['vm.max_map_count', undefined, 2 ** 31 - 1],
  ['vm.watermark_scale_factor', 1, undefined],
  ['kernel.kptr_restrict', 0, 2],
  ['fs.nr_open', undefined, undefined],
];
/** Only refused values are written: their smallest accepted ones would hurt the machine. */
const REFUSED: readonly [name: string, ...values: string[]][] = [
  ['vm.overcommit_memory', '-1', '3'],
  ['vm.dirty_ratio', '-1', '101'],
  ['vm.max_map_count', '-1', '2147483648'],
  ['vm.watermark_scale_factor', '0', '3001'],
  ['kernel.pid_max', '300', '4194305'],
  ['fs.nr_open', '63', '2147483648'],
  ['fs.mount-max', '0'],
  ['net.core.rmem_max', '2303'],
  ['net.core.rmem_default', '2303'],
  ['net.core.wmem_max', '4607'],
  ['net.core.wmem_default', '4607'],
];

const own = (name: string): boolean => name.startsWith('net.') && machineHas(name);

suite('ranges', () => {
  const places = new Places();
  afterEach(() => places.close());

  for (const [name, min, max] of LIMITS.filter(([, low, high]) => low !== undefined || high !== undefined))
    scenario(`${name} takes ${min ?? '...'} to ${max ?? '...'}`, [name], async () => {
      await borrowing([name, ...(name === 'vm.dirty_ratio' ? ['vm.dirty_bytes'] : [])], async () => {
        const place = await places.host();
        for (const end of [min, max].filter((value) => value !== undefined)) {
          expect(await place.puts(name, `${end}`)).toEqual(['OK', `${end}`]);
          expect(checkShape(name, `${end}`)).toBeUndefined();
        }
      });
    });

  for (const [name, ...values] of REFUSED)
    scenario(`${name} does not take ${values.join(' or ')}`, [name], async () => {
      const place = await places.host();
      const before = await place.get(name);
      for (const value of values)
        expect([value, ...(await place.puts(name, value))]).toEqual([value, 'EINVAL', before]);
      // The socket buffers' smallest sizes are those of this kernel: only it knows them.
      const known = !name.startsWith('net.core.') && name !== 'fs.nr_open';
      expect(values.filter((value) => checkShape(name, value) === undefined)).toEqual(
        known ? [] : values.slice(0, name === 'fs.nr_open' ? 1 : 9),
      );
    });

  scenario(
    'many keys of a network namespace take any 32-bit integer, sense or not',
    ['net.ipv4.ip_forward'],
    async () => {
      const nonsense: [string, string][] = [
        ['net.ipv4.conf.lo.rp_filter', '-9'],
        ['net.ipv4.tcp_fin_timeout', '-1'],
        ['net.ipv4.ip_forward', '5'],
        ['net.ipv4.tcp_max_syn_backlog', '-1'],
        ['net.netfilter.nf_conntrack_tcp_timeout_established', '-1'],
      ];
      const place = await places.fresh('net');
      for (const [name, value] of nonsense.filter(([key]) => own(key)))
        expect([name, (await place.puts(name, value))[0]]).toEqual([name, 'OK']);
      const anything = allEntries().filter(
        ({ name, namespace, type, arity, range, writable, newNamespace }) =>
          namespace === 'net' &&
          newNamespace.presence === 'own' &&
          writable &&
          arity === 1 &&
          type === 'int' &&
          own(name.replace('*', 'lo')) &&
          (!range || range[0] < -1),
      );
      const refused: string[] = [];
      for (const { name } of anything)
        if ((await place.put(name.replace('*', 'lo'), '-1')) === 'EINVAL') refused.push(name);
      expect(anything.length - refused.length).toBeGreaterThan(150);
      expect(refused.filter((name) => anything.find((entry) => entry.name === name)?.range)).toEqual([]);
    },
  );

  scenario(
    'beyond their range they are EINVAL, never cut to it, as the catalog says',
    ['net.ipv4.ip_default_ttl'],
    async () => {
      const place = await places.fresh('net', 'ipc');
      const bounded = allEntries().filter(
        ({ name, namespace, arity, range, writable, newNamespace, family }) =>
          (namespace === 'net' || namespace === 'ipc') &&
          newNamespace.presence === 'own' &&
          writable &&
          arity === 1 &&
          range &&
          !family &&
          machineHas(name) &&
          !name.includes('.default.'),
      );
      const taken: string[] = [];
      for (const { name, range } of bounded)
        for (const value of [(range?.[0] ?? 0) - 1, (range?.[1] ?? 0) + 1])
          if ((await place.put(name, String(value))) === 'OK') taken.push(`${name}=${value}`);
      expect(taken).toEqual([]);
      expect(bounded.length).toBeGreaterThan(100);
    },
  );

  const UNBOUNDED: readonly [name: string, value: string][] = [
    ['net.netfilter.nf_conntrack_tcp_timeout_close', '0'],
    ['kernel.shmall', '0'],
    ['kernel.shmmax', '0'],
  ];
  scenario(
    'nothing keeps shmall from 0',
    UNBOUNDED.map(([name]) => name),
    async () => {
      const place = await places.fresh('net', 'ipc');
      for (const [name, value] of UNBOUNDED)
        expect([name, ...(await place.puts(name, value))]).toEqual([name, 'OK', value]);
    },
  );

  scenario('randomize_va_space takes any integer', ['kernel.randomize_va_space'], async () => {
    await borrowing(['kernel.randomize_va_space'], async () => {
      expect(await (await places.host()).puts('kernel.randomize_va_space', '99')).toEqual(['OK', '99']);
    });
  });

  scenario(
    'a negative number for an unsigned one changes nothing; the operator refuses it',
    ['kernel.shmmax', 'fs.aio-max-nr'],
    async () => {
      const place = await places.fresh('ipc');
      const before = await place.get('kernel.shmmax');
      // Before Linux 6.1 the write succeeds all the same.
      expect((await place.puts('kernel.shmmax', '-1'))[1]).toBe(before);
      expect(checkShape('kernel.shmmax', '-1')).toMatch(/is not between 0 and 18446744073709551615/);
      expect(await place.puts('kernel.shmmax', '18446744073709551615')).toEqual([
        'OK',
        '18446744073709551615',
      ]);
      expect(await place.put('kernel.shmmax', '18446744073709551616')).toBe('EINVAL');
    },
  );
});
