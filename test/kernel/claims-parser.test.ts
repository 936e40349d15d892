import { afterEach, expect } from '@jest/globals';
import { allEntries } from '../../operator/sysctl/catalog/index.ts';
import { KernelError, ProcSys } from '../../operator/agent/kernel.ts';
import { checkShape, kernelInteger } from '../../operator/sysctl/values.ts';
import { borrowing } from './support/host-values.ts';
import { Places, type Place } from './support/place.ts';
import type { Probe } from './support/prober.ts';
import { machineHas, scenario, suite } from './support/scenario.ts';

const INT = 'net.ipv4.tcp_keepalive_time';
const ACCEPTED: readonly [bytes: string, value: string][] = [
  ['7', '7'],
  ['7\n', '7'],
  ['  7  \n', '7'],
  ['\t7\t', '7'],
  ['0x10\n', '16'],
  ['0X1f', '31'],
  ['010\n', '8'],
  ['-0\n', '0'],
];
const REFUSED = [
  '+1',
  '1.5',
  '1k',
  '1,2',
  'abc',
  'on',
  '08',
  '0x',
  '\0',
  '1\0',
  '--1',
  '- 1',
  '9'.repeat(21),
  '0'.repeat(21),
  '\u00a07',
  '7\v',
];

/** Own integers of a fresh net and IPC namespace, which take any small number. */
const INTEGERS = allEntries().filter(
  ({ namespace, writable, newNamespace, arity, type, family, trigger, name, range }) =>
    (namespace === 'net' || namespace === 'ipc') &&
    writable &&
    newNamespace.presence === 'own' &&
    arity === 1 &&
    !['string', 'hex', 'ports', 'bitmap'].includes(type) &&
    !family &&
    !trigger &&
    !name.endsWith('_next_id') &&
    // Not below the low one.
    !name.endsWith('_high_thresh') &&
    (range === undefined || (range[0] <= 1 && range[1] >= 1)),
);

suite('how the kernel reads an integer', () => {
  const places = new Places();
  afterEach(() => places.close());
  const both = (): Promise<Place> => places.fresh('net', 'ipc');

  scenario(
    'decimal, minus, 0x and octal, blanks around, with and without the end of the line',
    [INT],
    async () => {
      const place = await both();
      for (const [bytes, value] of ACCEPTED) {
        expect([bytes, ...(await place.ask(['put', INT, bytes], ['get', INT]))]).toEqual([
          bytes,
          'OK',
          value,
        ]);
        expect(kernelInteger(bytes.trim())?.toString()).toBe(value);
      }
      expect(await place.puts('net.ipv4.conf.lo.tag', '-5')).toEqual(['OK', '-5']);
    },
  );

  scenario(
    'anything else is EINVAL and changes nothing, and the operator refuses it before',
    [INT],
    async () => {
      const place = await both();
      await place.put(INT, '77');
      for (const bytes of REFUSED) {
        expect([bytes, ...(await place.ask(['put', INT, bytes], ['get', INT]))]).toEqual([
          bytes,
          'EINVAL',
          '77',
        ]);
        expect(checkShape(INT, bytes, '77')).toMatch(/not/);
      }
    },
  );

  scenario(
    'so for every integer of the network and IPC namespaces: fourteen spellings of 1',
    [INT],
    async () => {
      const place = await both();
      const names = INTEGERS.map(({ name }) => name).filter(machineHas);
      const spellings = [
        '1',
        '1\n',
        ' 1\t',
        '0x1',
        '01',
        '0X01',
        '+1',
        '1.5',
        '1k',
        '1,2',
        'abc',
        'on',
        '1\0',
        '0x',
      ];
      const accepted = spellings.filter((text) => kernelInteger(text.trim()) !== undefined);
      expect(accepted).toHaveLength(6);
      const odd: string[] = [];
      for (const name of names) {
        const answers = await place.ask(...spellings.map((text): Probe => ['put', name, text]));
        const took = spellings.filter((_, i) => answers[i] === 'OK');
        if (JSON.stringify(took) !== JSON.stringify(accepted))
          odd.push(`${name} took ${JSON.stringify(took)}`);
      }
      expect(odd).toEqual([]);
      expect(names.length).toBeGreaterThan(300);
    },
  );

  scenario(
    '"5 trailing" is 5, and write(2) says that it took two bytes; the operator refuses it',
    [INT],
    async () => {
      const place = await both();
      const perl = `perl -e 'open(F, "+<", "/proc/sys/net/ipv4/tcp_keepalive_time"); print syswrite(F, "5 trailing")'`;
      expect(await place.sh(perl)).toBe('2');
      expect(await place.get(INT)).toBe('5');
      expect(checkShape(INT, '5 trailing', '60')).toBe('takes 1 value, not 2 ("5 trailing")');
    },
  );

  scenario(
    'a write of nothing succeeds and changes nothing, an empty line is EINVAL; it clears a list',
    [INT, 'net.ipv4.ip_local_reserved_ports'],
    async () => {
      const place = await both();
      await place.put(INT, '77');
      expect(await place.ask(['put', INT, ''], ['get', INT], ['put', INT, '\n'], ['get', INT])).toEqual([
        'OK',
        '77',
        'EINVAL',
        '77',
      ]);
      const ports = 'net.ipv4.ip_local_reserved_ports';
      await place.put(ports, '8080');
      expect(
        await place.ask(['put', ports, ''], ['get', ports], ['put', ports, '\n'], ['get', ports]),
      ).toEqual(['OK', '8080', 'OK', '']);
      expect([checkShape(INT, '', '77'), checkShape(ports, '', '8080')]).toEqual([
        'takes 1 value, not 0 ("")',
        undefined,
      ]);
    },
  );

  scenario('values must be in the first 4095 bytes', [INT], async () => {
    const place = await both();
    expect(await place.puts(INT, `${' '.repeat(4000)}9`)).toEqual(['OK', '9']);
    expect(await place.put(INT, `${' '.repeat(4200)}9`)).toBe('EINVAL');
    expect(await place.put(INT, '9'.repeat(5000))).toBe('EINVAL');
    expect(await place.put(INT, ' '.repeat(1 << 22))).toBe('ENOMEM');
    expect(() => new ProcSys().write(INT, ' '.repeat(4095))).toThrow(KernelError);
  });

  scenario(
    'a second write to an open file is swallowed for an integer and appends to a text',
    [INT],
    async () => {
      const place = await places.fresh('net', 'uts');
      const twice = (file: string, first: string, second: string): Promise<string> =>
        place.sh(
          `{ /bin/echo -n ${first}; /bin/echo -n ${second}; } > /proc/sys/${file} && cat /proc/sys/${file}`,
        );
      expect(await twice('net/ipv4/tcp_keepalive_time', '11', '22')).toBe('11');
      expect(await twice('kernel/hostname', 'one', 'two')).toBe('onetwo');
    },
  );

  const DEVKMSG = 'kernel.printk_devkmsg';
  scenario('printk_devkmsg needs the end of the line, which the agent always writes', [DEVKMSG], async () => {
    const place = await places.host();
    const value = await place.get(DEVKMSG);
    // Only ever the value that it has.
    expect(
      await place.ask(['put', DEVKMSG, value], ['put', DEVKMSG, `${value}\n`], ['get', DEVKMSG]),
    ).toEqual(['EINVAL', 'OK', value]);
    await borrowing([DEVKMSG], async () => new ProcSys().write(DEVKMSG, value));
    expect(await place.get(DEVKMSG)).toBe(value);
  });
});
