import { describe, expect, test } from '@jest/globals';
import { holding, node, only, planned, preview } from './support/preview.ts';
import { profile, sysctl } from './support/profiles.ts';

const search = profile('search', { sysctls: [sysctl('vm.max_map_count=262144')] });
const older = profile('search', { sysctls: [sysctl('vm.max_map_count=100000')] });
const before = { stored: [older], older: [planned([older])] };

describe('a key of a node', () => {
  test('without an agent is not read yet, and counts as a change', () => {
    expect(only({ candidates: [search] })).toMatchObject({
      read: false,
      change: true,
      keys: [{ name: 'vm.max_map_count', kind: 'unread', to: '262144', by: 'search' }],
    });
  });

  test('that an agent keeps at another value goes from that value to the wanted one', () => {
    const states = [holding('a', [older], { originals: { 'vm.max_map_count': '65530' } })];
    expect(only({ ...before, candidates: [search], states })).toMatchObject({
      read: true,
      change: true,
      keys: [{ kind: 'write', live: '100000', to: '262144' }],
    });
  });

  test('that was changed by somebody else goes from what is live, not from what was wanted', () => {
    const deviations = [
      { name: 'vm.max_map_count', desired: '100000', live: '7', state: 'Drifted' as const },
    ];
    const states = [holding('a', [older], { deviations })];
    expect(only({ ...before, candidates: [search], states }).keys).toMatchObject([
      { kind: 'write', live: '7', to: '262144' },
    ]);
  });

  test('that the node has already does not change, whoever else wants the same', () => {
    const twin = profile('twin', { sysctls: [sysctl('vm.max_map_count=0x40000')] });
    const group = only({ stored: [search], candidates: [twin], states: [holding('a', [search])] });
    expect(group).toMatchObject({ change: false, keys: [{ kind: 'same', live: '262144' }] });
  });

  test('that another profile still has to bring there is not told of a profile that has no part in it', () => {
    const other = profile('other', { sysctls: [sysctl('vm.swappiness=1')] });
    const group = only({ stored: [other], candidates: [search] });
    expect(group.keys.map((k) => k.name)).toEqual(['vm.max_map_count']);
  });

  test('that the profile gives up gets its old value back', () => {
    const less = profile('search', { sysctls: [] });
    const states = [holding('a', [search], { originals: { 'vm.max_map_count': '65530' } })];
    expect(only({ stored: [search], candidates: [less], states })).toMatchObject({
      change: true,
      keys: [{ kind: 'restore', live: '262144', to: '65530' }],
    });
  });

  test('that the profile gives up stays as it is with removalPolicy Keep', () => {
    const kept = profile('search', { ...search.spec, removalPolicy: 'Keep' });
    const states = [holding('a', [kept], { originals: { 'vm.max_map_count': '65530' } })];
    const less = profile('search', { sysctls: [] });
    expect(only({ stored: [kept], candidates: [less], states }).keys).toEqual([
      { name: 'vm.max_map_count', kind: 'release', live: '262144', by: 'search' },
    ]);
  });

  test('that the kernel has refused already is not a change, but told', () => {
    const deviations = [{ name: 'vm.max_map_count', state: 'Failed' as const, message: 'EINVAL' }];
    const states = [holding('a', [search], { deviations })];
    expect(only({ stored: [search], candidates: [search], states })).toMatchObject({
      change: false,
      keys: [{ kind: 'blocked', message: 'EINVAL' }],
    });
  });

  test('that has drifted is written with driftPolicy Correct, and left alone with Report', () => {
    const deviations = [
      { name: 'vm.max_map_count', desired: '262144', live: '7', state: 'Drifted' as const },
    ];
    const kindWith = (own: typeof search): string | undefined =>
      only({ stored: [own], candidates: [own], states: [holding('a', [own], { deviations })] }).keys[0]?.kind;
    expect(kindWith(search)).toBe('write');
    expect(kindWith(profile('search', { ...search.spec, driftPolicy: 'Report' }))).toBe('blocked');
  });

  test('is not taken for in sync when the list of deviations is full', () => {
    const deviations = Array.from({ length: 100 }, (_, i) => ({
      name: `net.ipv4.conf.eth${i}.forwarding`,
      state: 'Failed' as const,
    }));
    const states = [holding('a', [search], { deviations })];
    expect(only({ stored: [search], candidates: [search], states }).keys[0]?.kind).toBe('unread');
  });

  test('with a lower AtLeast goes back down to its original', () => {
    const high = profile('search', { sysctls: [sysctl('fs.inotify.max_user_instances>=8192')] });
    const low = profile('search', { sysctls: [sysctl('fs.inotify.max_user_instances>=64')] });
    const states = [holding('a', [high], { originals: { 'fs.inotify.max_user_instances': '128' } })];
    expect(only({ stored: [high], candidates: [low], states }).keys).toMatchObject([
      { kind: 'write', live: '8192', to: '128' },
    ]);
  });

  test('kept by a bound that was never written has no value that could be told', () => {
    const bound = profile('search', { sysctls: [sysctl('fs.inotify.max_user_instances>=64')] });
    const group = only({ stored: [bound], candidates: [bound], states: [holding('a', [bound])] });
    expect(group.keys).toMatchObject([{ kind: 'same', live: 'AtLeast 64' }]);
  });
});

describe('a profile that is new', () => {
  test('loses against one of the same priority, and both values are told', () => {
    const taken = profile('taken', { sysctls: [sysctl('vm.max_map_count=1')] });
    const result = preview({
      stored: [taken],
      candidates: [{ ...search, metadata: { name: 'search' } }],
      states: [holding('a', [taken])],
    });
    expect(result.groups[0]?.change).toBe(false);
    expect(result.profiles[0]?.conflicts).toMatchObject([{ mine: '262144', theirs: '1', other: 'taken' }]);
  });

  test('with mode Plan is shown as if it were enforced', () => {
    const plan = profile('search', { ...search.spec, mode: 'Plan' });
    expect(only({ candidates: [plan] }).change).toBe(true);
  });

  test('says which of its keys carry a risk', () => {
    const risky = profile('risky', {
      acknowledgeRisks: ['vm.panic_on_oom'],
      sysctls: [sysctl('vm.panic_on_oom=1')],
      pods: { allowedUnsafeSysctls: ['net.*'] },
    });
    expect(preview({ candidates: [risky] }).risks.map((r) => r.name)).toEqual(['vm.panic_on_oom', 'net.*']);
  });
});

test('a node that a narrower selector leaves behind loses its keys, the others keep them', () => {
  const labels = { pool: 'search' };
  const nodes = [node('a', labels), node('b')];
  const narrow = profile('search', { ...search.spec, nodeSelector: { matchLabels: labels } });
  const states = ['a', 'b'].map((name) =>
    holding(name, [search], { originals: { 'vm.max_map_count': '1' } }),
  );
  const { groups } = preview({ stored: [search], candidates: [narrow], nodes, states });
  expect(groups.map((g) => [g.nodes, g.keys[0]?.kind])).toEqual([
    [['b'], 'restore'],
    [['a'], 'same'],
  ]);
});

test('nodes that have the same become one group', () => {
  const nodes = Array.from({ length: 300 }, (_, i) => node(`n${i}`));
  const states = nodes.slice(0, 100).map((n) => holding(n.name, [search]));
  const { groups } = preview({ stored: [search], candidates: [search], nodes, states });
  expect(groups.map((g) => [g.nodes.length, g.change])).toEqual([
    [200, true],
    [100, false],
  ]);
});
