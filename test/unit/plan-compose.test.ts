import { describe, expect, test } from '@jest/globals';
import type { SysctlProfile } from '../../operator/api/profile.ts';
import type { Composition } from '../../operator/plan/compose.ts';
import { satisfies } from '../../operator/sysctl/values.ts';
import { composed, profile, sysctl } from './support/profiles.ts';
import { integer, pick, random, shuffled } from './support/random.ts';

const KEY = 'fs.inotify.max_user_watches';
/** One profile per sign and value, from the oldest to the youngest: A, B, C. */
const wants = (claims: readonly string[], priorities: readonly number[] = []): SysctlProfile[] =>
  claims.map((claim, i) =>
    profile('ABCDE'[i] ?? 'F', {
      sysctls: [sysctl(`${KEY}${claim}`)],
      age: i + 1,
      priority: priorities[i] ?? 0,
    }),
  );
const result = ({ data }: Composition): string[] =>
  data.sysctls.map((s) => `${s.profile}:${{ Exact: '=', AtLeast: '>=', AtMost: '<=' }[s.match]}${s.value}`);
const also = ({ data }: Composition): string[] => data.sysctls.flatMap((s) => s.also ?? []);
const optional = (...of: SysctlProfile[]) => composed(...of).data.sysctls[0]?.optional;
const forgiving = (p: SysctlProfile | undefined): SysctlProfile =>
  profile(p?.metadata.name ?? '', {
    sysctls: p?.spec.sysctls?.map((s) => ({ ...s, optional: true })) ?? [],
  });

describe('several profiles on one key', () => {
  test.each<[string, string[], number[], string[]]>([
    ['the same value', ['=5', '=5'], [], ['A:=5']],
    ['the same value in two spellings', ['=0x10', '=16'], [], ['A:=16']],
    ['the highest priority wins', ['=5', '=6', '=7'], [0, 10, 5], ['B:=6']],
    ['a negative priority loses', ['=5', '=6'], [-1, 0], ['B:=6']],
    ['the oldest of equals wins', ['=5', '=6', '=7'], [], ['A:=5']],
    ['the highest lower bound', ['>=5', '>=9', '>=7'], [], ['B:>=9']],
    ['the lowest upper bound', ['<=5', '<=3', '<=7'], [], ['B:<=3']],
    ['both bounds', ['>=5', '<=9'], [], ['A:>=5', 'B:<=9']],
    ['the tightest of many bounds', ['>=5', '<=90', '>=7', '<=20'], [], ['C:>=7', 'D:<=20']],
    ['bounds that meet', ['>=5', '<=5'], [], ['A:>=5', 'B:<=5']],
    ['bounds that exclude each other', ['>=9', '<=5'], [], ['A:>=9']],
    ['bounds that exclude each other, by priority', ['>=9', '<=5'], [0, 1], ['B:<=5']],
    ['a value within the bounds', ['>=5', '<=9', '=7'], [], ['C:=7']],
    ['a value outside of the bounds', ['>=5', '<=9', '=10'], [], ['A:>=5', 'B:<=9']],
    ['a bound and something that is no number', ['<=5', '=1 2'], [], ['A:<=5']],
    ['a bound that the value keeps', ['=7', '>=5'], [], ['A:=7']],
    ['a bound that the value breaks', ['=7', '>=9'], [], ['A:=7']],
    ['a bound of higher priority that the value breaks', ['=7', '>=9'], [0, 1], ['B:>=9']],
    ['a bound that lost does not tighten', ['=7', '>=9', '>=6'], [], ['A:=7']],
    ['numbers, not texts', ['>=9', '>=10'], [], ['B:>=10']],
    [
      'numbers beyond 2^53',
      ['>=18446744073709551614', '>=18446744073709551615'],
      [],
      ['B:>=18446744073709551615'],
    ],
  ])('%s: %j with priorities %j', (_, claims, priorities, expected) => {
    const profiles = wants(claims, priorities);
    expect(result(composed(...profiles)).toSorted()).toEqual(expected.toSorted());
    expect(composed(...profiles.toReversed()).name).toBe(composed(...profiles).name);
  });

  test('say which others an entry satisfies', () => {
    expect(also(composed(...wants(['=7', '>=5', '<=9', '=8'])))).toEqual(['B', 'C']);
  });

  test('a missing key is forgiven only where all of them forgive it', () => {
    const [a, b] = wants(['=5', '>=3']);
    expect(optional(forgiving(a), forgiving(b))).toBe(true);
    expect(optional(forgiving(a), b ?? forgiving(b))).toBe(false);
  });
});

describe('profiles that want different values', () => {
  test('of equal priority are told of each other, the older one that it wins', () => {
    const { conflicts, overridden } = composed(...wants(['=5', '=6']));
    expect(conflicts.get('A')).toEqual([{ name: KEY, mine: '5', theirs: '6', other: 'B', wins: true }]);
    expect(conflicts.get('B')).toEqual([{ name: KEY, mine: '6', theirs: '5', other: 'A', wins: false }]);
    expect(overridden.size).toBe(0);
  });

  test('of different priority are no conflict: the lower one is told by whom it is overridden', () => {
    const { conflicts, overridden } = composed(...wants(['=5', '=6'], [0, 1]));
    expect(conflicts.size).toBe(0);
    expect([...overridden]).toEqual([['A', [{ name: KEY, by: 'B' }]]]);
  });

  test('and both lose to a third are not in conflict with each other', () => {
    const { conflicts, overridden } = composed(...wants(['=5', '=6', '=7'], [0, 0, 1]));
    expect(conflicts.size).toBe(0);
    expect([...overridden.keys()]).toEqual(['A', 'B']);
  });

  test('bounds are described as bounds', () => {
    const { conflicts } = composed(...wants(['>=9', '<=5']));
    expect(conflicts.get('B')).toMatchObject([{ mine: 'AtMost 5', theirs: 'AtLeast 9' }]);
  });

  test('made in the same second keep the order of their names', () => {
    const twins = ['b', 'a'].map((name, i) => profile(name, { sysctls: [sysctl(`${KEY}=${i}`)] }));
    expect(result(composed(...twins))).toEqual(['a:=1']);
    expect(result(composed(...twins.toReversed()))).toEqual(['a:=1']);
  });
});

describe('any mixture of profiles', () => {
  const KEYS = ['vm.swappiness', 'fs.file-max', 'kernel.threads-max'];
  const draw = (seed: number): { next: () => number; profiles: SysctlProfile[] } => {
    const next = random(seed);
    const profiles = Array.from({ length: 1 + integer(next, 6) }, (_, i) =>
      profile(`p${i}`, {
        priority: integer(next, 3),
        age: 1 + integer(next, 3),
        sysctls: KEYS.filter(() => next() < 0.8).map((key) =>
          sysctl(`${key}${pick(next, ['=', '>=', '<='])}${integer(next, 5)}`),
        ),
      }),
    );
    return { next, profiles };
  };
  const seeds = Array.from({ length: 300 }, (_, i) => i + 1);

  test('gives the same answer in whatever order the profiles come', () => {
    for (const seed of seeds) {
      const { next, profiles } = draw(seed);
      const [one, other] = [composed(...profiles), composed(...shuffled(next, profiles))];
      expect({ seed, ...other }).toEqual({ seed, ...one });
    }
  });

  test('keeps every claim or tells its profile who won', () => {
    for (const seed of seeds) {
      const { profiles } = draw(seed);
      const { data, conflicts, overridden } = composed(...profiles);
      const unmet = profiles.flatMap((p) =>
        (p.spec.sysctls ?? []).map(({ name, value, match = 'Exact' }) => {
          const entries = data.sysctls.filter((s) => s.name === name);
          // Every value that the entries allow is one that the claim allows.
          const allowed = Array.from({ length: 40 }, (_, i) => `${i - 20}`).filter((live) =>
            entries.every((e) => satisfies(name, live, e.value, e.match)),
          );
          const met =
            allowed.length > 0 && allowed.every((live) => satisfies(name, live, String(value), match));
          const told = [
            ...(conflicts.get(p.metadata.name) ?? []).filter((c) => !c.wins),
            ...(overridden.get(p.metadata.name) ?? []),
          ].some((c) => c.name === name);
          return met === told ? `${p.metadata.name} ${name} ${match} ${value}: met ${met}, told ${told}` : '';
        }),
      );
      expect({ seed, unmet: unmet.filter(Boolean) }).toEqual({ seed, unmet: [] });
    }
  });
});
