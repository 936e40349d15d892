import { describe, expect, test } from '@jest/globals';
import type { SysctlProfile } from '../../operator/api/profile.ts';
import { profileSlice } from '../../operator/plan/slice.ts';
import { composed, profile, sysctl } from './support/profiles.ts';

const slice = (of: string, ...profiles: SysctlProfile[]): string =>
  profileSlice(composed(...profiles).data, of);
const p = (name: string, ...entries: string[]): SysctlProfile =>
  profile(name, { sysctls: entries.map((text) => sysctl(text)) });
const search = p('search', 'vm.swappiness=1', 'fs.file-max>=5');

describe("a profile's part of a revision", () => {
  test.each<[string, SysctlProfile[]]>([
    ['another profile comes with other keys', [search, p('web', 'vm.max_map_count=1')]],
    [
      'its pods get more patterns',
      [{ ...search, spec: { ...search.spec, pods: { allowedUnsafeSysctls: ['net.core.*'] } } }],
    ],
    [
      'nothing is restored on removal any more',
      [{ ...search, spec: { ...search.spec, removalPolicy: 'Keep' } }],
    ],
  ])('stays the same when %s', (_, profiles) => {
    expect(slice('search', ...profiles)).toBe(slice('search', search));
  });

  test.each<[string, SysctlProfile[]]>([
    ['its value changes', [p('search', 'vm.swappiness=2', 'fs.file-max>=5')]],
    ['its bound changes', [p('search', 'vm.swappiness=1', 'fs.file-max<=5')]],
    ['an entry goes', [p('search', 'vm.swappiness=1')]],
    ['its bound is kept by the value of another profile', [search, p('web', 'fs.file-max=9')]],
    ['drift is only reported', [{ ...search, spec: { ...search.spec, driftPolicy: 'Report' } }]],
  ])('changes when %s', (_, profiles) => {
    expect(slice('search', ...profiles)).not.toBe(slice('search', search));
  });

  test('does not hold what it lost', () => {
    const higher = {
      ...p('web', 'vm.swappiness=9'),
      spec: { ...p('web', 'vm.swappiness=9').spec, priority: 1 },
    };
    expect(slice('search', search, higher)).toBe(slice('search', p('search', 'fs.file-max>=5')));
  });

  test('is empty for a profile that is not in it', () => {
    expect(slice('nobody', search)).toBe('[]');
  });

  test('holds the value of another profile that keeps its bound', () => {
    expect(slice('search', search, p('web', 'fs.file-max=9'))).not.toBe(
      slice('search', search, p('web', 'fs.file-max=10')),
    );
  });
});
