import { describe, expect, test } from '@jest/globals';
import { allEntries, describe as entryOf } from '../../operator/sysctl/catalog/index.ts';
import { globExpression } from '../../operator/cli/explain/find.ts';
import { cli } from './support/cli.ts';

const ESCAPE = String.fromCodePoint(27);
const json = async (...args: string[]): Promise<Record<string, unknown>[]> =>
  (await cli(['explain', '-o', 'json', ...args])).out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Lines that cannot be broken, because they are YAML to be copied, may be longer. */
const widest = (text: string): string[] =>
  text.split('\n').filter((line) => line.length > 100 && !/^\s+(- \{|sysctls: \[|acknowledge)/.test(line));

describe('explain -o json', () => {
  test('gives one object for one key, with what the catalog says', async () => {
    const entry = entryOf('net.core.somaxconn');
    expect(await json('net.core.somaxconn')).toEqual([
      expect.objectContaining({
        name: 'net.core.somaxconn',
        family: null,
        namespace: 'net',
        writable: true,
        newNamespace: entry?.newNamespace,
        arity: 1,
        pods: expect.objectContaining({ safeSince: null, allowable: true }),
        risks: entry?.risks,
        coupled: entry?.coupled ?? null,
      }),
    ]);
  });

  test('gives a line for each of several keys, in the order asked', async () => {
    const names = ['vm.swappiness', 'kernel.sem'];
    expect((await json(...names)).map(({ name }) => name)).toEqual(names);
  });

  test('--all is an array of everything, each with the same fields', async () => {
    const { status, out } = await cli(['explain', '--all', '-o', 'json']);
    const all = JSON.parse(out) as Record<string, unknown>[];
    expect(status).toBe(0);
    expect(all.map(({ name }) => name)).toEqual(allEntries().map(({ name }) => name));
    const fields = new Set(all.map((one) => Object.keys(one).join(' ')));
    expect(fields.size).toBe(1);
    for (const one of all) {
      expect(['net', 'ipc', 'uts', 'user', 'pid', 'none']).toContain(one['namespace']);
      const { presence, from } = one['newNamespace'] as Record<string, unknown>;
      expect(['own', 'readOnly', 'absent', 'shared']).toContain(presence);
      expect(['hardCoded', 'init', 'parent', null]).toContain(from);
    }
  });

  test('the key of one interface has its own name and its family', async () => {
    expect(await json('net.ipv4.conf.eth0.rp_filter')).toEqual([
      expect.objectContaining({ name: 'net.ipv4.conf.eth0.rp_filter', family: 'net.ipv4.conf.*.rp_filter' }),
    ]);
  });
});

describe('explain', () => {
  test.each([
    'vm/max_map_count',
    '/proc/sys/vm/max_map_count',
    'vm.max_map_count=262144',
    ' vm.max_map_count ',
  ])('takes the spelling %j', async (spelling) => {
    expect((await cli(['explain', spelling])).out).toMatch(/^vm\.max_map_count /);
  });

  test('a typo gets close matches and exit status 1; what is known is printed all the same', async () => {
    const { status, out, err } = await cli(['explain', 'vm.swappines', 'vm.max_map_count']);
    expect(status).toBe(1);
    expect(out).toMatch(/^vm\.max_map_count /);
    expect(err).toBe('The catalog does not know vm.swappines.\nDid you mean:\n  vm.swappiness\n');
  });

  test('a name that is none is a wrong command line', async () => {
    expect(await cli(['explain', 'vm..x'])).toMatchObject({ status: 2, out: '' });
  });

  test('a pattern gives a list of what it matches', async () => {
    const { status, out } = await cli(['explain', 'vm.dirty_*ratio']);
    expect(status).toBe(0);
    const names = out
      .split('\n')
      .slice(1)
      .flatMap((line) => line.split(' ')[0] || []);
    expect(names).toEqual(['vm.dirty_background_ratio', 'vm.dirty_ratio']);
  });

  test('a pattern that matches nothing is exit status 1', async () => {
    expect(await cli(['explain', 'vm.nothing_like_it*'])).toMatchObject({ status: 1, out: '' });
  });

  test('pages are no wider than 100 columns, and than a narrow terminal', async () => {
    const names = allEntries()
      .filter(({ name }) => !name.includes('*'))
      .map(({ name }) => name);
    expect(names.length).toBeGreaterThan(500);
    expect(widest((await cli(['explain', ...names], { columns: 200 })).out)).toEqual([]);
    const narrow = (await cli(['explain', 'vm.swappiness'], { columns: 60 })).out.split('\n');
    expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(60);
  });

  test('colours are for terminals only', async () => {
    expect((await cli(['explain', 'kernel.panic'])).out).not.toContain(ESCAPE);
    expect((await cli(['explain', 'kernel.panic'], { colour: true })).out).toContain(ESCAPE);
  });

  test('the page shows how the value gets where it has effect', async () => {
    const onlyNode = (await cli(['explain', 'vm.max_map_count'])).out;
    expect(onlyNode).toContain('- {name: vm.max_map_count, value: VALUE}');
    expect(onlyNode).not.toContain('securityContext');
    const both = (await cli(['explain', 'net.core.somaxconn'])).out;
    expect(both).toContain('sysctls: [{name: net.core.somaxconn, value: "');
    expect(both).toContain(', scope: Node}');
    expect((await cli(['explain', 'kernel.core_pattern'])).out).toContain(
      'acknowledgeRisks: [kernel.core_pattern]',
    );
  });
});

test.each([
  ['net.ipv4.tcp_*', 'net.ipv4.tcp_rmem', true],
  ['net.*', 'net.ipv4.tcp_rmem', true],
  ['net.ipv4.tcp_?mem', 'net.ipv4.tcp_rmem', true],
  ['net.ipv4.tcp_[rw]mem', 'net.ipv4.tcp_wmem', true],
  ['net.ipv4.tcp_[!rw]mem', 'net.ipv4.tcp_wmem', false],
  ['vm.*', 'vmx', false],
])('the pattern %s and %s', (pattern, name, matches) => {
  expect(globExpression(pattern).test(name)).toBe(matches);
});

const asked = async (name: string): Promise<[number, string]> => {
  const { status, err } = await cli(['explain', name]);
  return [status, err];
};

describe('explain of a name that the catalog does not have as it was typed', () => {
  test.each([
    ['somaxconn', /Did you mean:\n {2}net\.core\.somaxconn\n/],
    ['inotify', /Did you mean:\n {2}fs\.inotify\./],
    ['vm.max_map_coutn', /Did you mean:\n {2}vm\.max_map_count\n/],
    ['net.ipv4.conf.br.5.rp_filter', /Did you mean:\n {2}net\.ipv4\.conf\.br\/5\.rp_filter\n/],
    ['net.core.nosuch', /kubectl sysctl explain 'net\.core\.\*' lists its neighbours\.\n/],
  ])('%s: says what may be meant, or where to look', async (name, said) => {
    expect(await asked(name)).toEqual([1, expect.stringMatching(said)]);
  });

  test('a key that no kernel of today has is explained, and no YAML for it is shown', async () => {
    const { status, out } = await cli(['explain', 'net.ipv4.tcp_tw_recycle']);
    expect([status, out]).toEqual([0, expect.stringContaining('Linux before 4.12')]);
    expect(out).not.toContain('sysctls:');
  });

  test('how older kernels differ is said', async () => {
    expect((await cli(['explain', 'kernel.pid_max'])).out).toMatch(/^ {2}Older Linux +before 6\.14 /m);
  });
});
