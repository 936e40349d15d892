import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { advicePolicy, PATH } from '../../scripts/catalog/advice-policy.ts';
import { composeAll } from '../../scripts/catalog/compose.ts';
import { generate } from '../../scripts/catalog/generate.ts';
import { parseAnnotations, readMeasured } from '../../scripts/catalog/inputs.ts';
import { printJson } from '../../scripts/catalog/json.ts';

const measured = (keys: unknown) => readMeasured(JSON.stringify({ kernel: 'Linux 6.18.44, x86_64', keys }));
const entries = (keys: unknown, yaml: string) =>
  composeAll(measured(keys), new Map(parseAnnotations('a.yaml', yaml)));

describe('npm run catalog', () => {
  test.each([...Object.entries(generate()), [PATH, advicePolicy()] as const])(
    'would write %s as it is',
    (path, content) => {
      // Not toBe: a difference of half a megabyte helps nobody.
      const same = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8') === content;
      expect({ path, same, command: 'npm run catalog' }).toEqual({
        path,
        same: true,
        command: 'npm run catalog',
      });
    },
  );
});

describe('a measurement', () => {
  test.each<[string, unknown, string]>([
    ['an unknown namespace', { 'mnt own': {} }, 'must be one of net, ipc'],
    ['an unknown presence', { 'net mine': {} }, 'must be one of own, readOnly'],
    ['an unknown type', { 'net own': { 'net.a': { type: 'float' } } }, 'must be one of int, uint'],
    ['no type', { 'net own': { 'net.a': {} } }, 'net.a: needs the field type'],
    [
      'a misspelt field',
      { 'net own': { 'net.a': { type: 'int', form: 'init' } } },
      'does not have the field form',
    ],
    ['a range of one', { 'net own': { 'net.a': { type: 'int', range: [1] } } }, 'smallest and the largest'],
    [
      'a range upside down',
      { 'net own': { 'net.a': { type: 'int', range: [2, 1] } } },
      'smallest and the largest',
    ],
  ])('with %s is refused', (_, keys, message) => {
    expect(() => measured(keys)).toThrow(message);
  });
});

describe('an annotation', () => {
  const keys = { 'net own': { 'net.a': { type: 'int', from: 'hardCoded', default: '1', range: 'uint8' } } };

  test.each([
    ['a misspelt field', 'net.a: { dose: Does. }', 'does not have the field dose'],
    ['a comma that cuts a sentence', 'net.a: { does: This, and that. }', 'does not have the field and that.'],
    ['a risk that is no list', 'net.a: { does: Does., risks: bad }', 'must be a list'],
    ['a false flag', 'net.a: { does: Does., trigger: false }', 'must be true'],
    ['nothing', 'net.a:', 'must be an object'],
  ])('with %s is refused', (_, yaml, message) => {
    expect(() => parseAnnotations('a.yaml', yaml)).toThrow(message);
  });

  test('of a key that nobody measured is refused', () => {
    expect(() => entries(keys, 'net.a: Does.\nnet.b: Does.')).toThrow('net.b: is neither measured');
  });

  test('must be there for every key', () => {
    expect(() => entries(keys, '{}')).toThrow('net.a: nobody says what it does');
    expect(() => entries(keys, 'net.a: { unit: s }')).toThrow('net.a: nobody says what it does');
  });

  test('of a key that the kernel does not have says where it belongs', () => {
    const yaml =
      'net.a: Does.\nkernel.b: { does: Does., known: { namespace: none, presence: shared, type: bool } }';
    expect(entries(keys, yaml)[0]).toMatchObject({
      name: 'kernel.b',
      namespace: 'none',
      writable: true,
      source: 'documented, not on the measured kernel; Documentation/admin-guide/sysctl/kernel.rst',
    });
    expect(() =>
      entries(keys, 'net.a: { does: Does., known: { namespace: net, presence: own, type: int } }'),
    ).toThrow('net.a: is measured');
  });

  test('goes before what was measured', () => {
    expect(entries(keys, 'net.a: Does.')[0]).toMatchObject({
      range: [0, 255],
      newNamespace: { default: '1' },
    });
    const [entry] = entries(keys, 'net.a: { does: Does, type: hex, range: null, default: null }');
    expect(entry).toMatchObject({
      type: 'hex',
      arity: null,
      description: 'Does.',
      newNamespace: { default: null },
    });
    expect(entry?.range).toBeUndefined();
  });

  test('of an interface speaks for conf.all and conf.default too', () => {
    const names = ['*', 'all', 'default'].map((part) => `net.ipv4.conf.${part}.x`);
    const family = {
      'net own': Object.fromEntries(names.map((name) => [name, { type: 'int', from: 'init' }])),
    };
    const yaml = `net.ipv[46].conf.*.x: { does: Does., all: Either is enough., aliases: ['net.ipv[46].conf.*.x'] }`;
    const all = composeAll(
      measured(family),
      new Map(parseAnnotations('a.yaml', yaml).filter(([name]) => name.startsWith('net.ipv4'))),
    );
    expect(all.map(({ description, aliases }) => [description, aliases])).toEqual([
      ['Does.', ['net.ipv4.conf.*.x']],
      ['Does. Here for all interfaces: Either is enough.', ['net.ipv4.conf.all.x']],
      [expect.stringContaining('what new interfaces start with'), ['net.ipv4.conf.default.x']],
    ]);
  });

  test.each([
    ['4096..3240000', [4096, 3_240_000]],
    ['positive tuple', 'positive tuple'],
    ['0..18446744073692774399', '0..18446744073692774399'],
  ])('has the range of a provider, %s, as numbers where JSON can hold them', (words, range) => {
    const [[, entry] = []] = parseAnnotations(
      'a.yaml',
      `net.a: { does: Does., providers: { aks: '${words}' } }`,
    );
    expect(entry?.providers).toEqual({ aks: range });
  });
});

describe('generated JSON', () => {
  const long = 'x'.repeat(60);

  test.each<[unknown, string]>([
    [{ a: 1, b: [1, 2], c: {}, d: [] }, '{\n  "a": 1,\n  "b": [1, 2],\n  "c": {},\n  "d": []\n}'],
    [{ a: [long, long] }, `{\n  "a": [\n    "${long}",\n    "${long}"\n  ]\n}`],
    [[{ a: { b: null } }], '[\n  { "a": { "b": null } }\n]'],
  ])('stays on a line where it fits', (value, printed) => {
    expect(printJson(value)).toBe(printed);
    expect(JSON.parse(printJson(value))).toEqual(value);
  });
});
