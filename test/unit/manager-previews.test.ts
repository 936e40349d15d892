import { describe, expect, test } from '@jest/globals';
import { conditionOf } from '../../operator/api/conditions.ts';
import type { SysctlProfile, SysctlProfileStatus } from '../../operator/api/profile.ts';
import type { NodeSysctlState } from '../../operator/api/state.ts';
import type { World } from '../../operator/manager/decide.ts';
import { Previews } from '../../operator/manager/previews.ts';
import { profileStatus } from '../../operator/manager/profile-status.ts';
import { Planner } from '../../operator/plan/plan.ts';
import { cachedNode } from './support/manager-fakes.ts';
import { holding, planned } from './support/preview.ts';
import { profile, sysctl } from './support/profiles.ts';

const windows = { 'kubernetes.io/os': 'windows' };

function statusOf(
  own: SysctlProfile,
  states: readonly NodeSysctlState[],
  others: readonly SysctlProfile[] = [],
  previews = new Previews(),
): SysctlProfileStatus {
  const nodes = [cachedNode('a'), cachedNode('b'), cachedNode('w', windows)];
  const world: World = {
    profiles: () => [own, ...others],
    nodes: new Map(nodes.map((n) => [n.metadata.name, n])),
    states: new Map(states.map((s) => [s.metadata.name, s])),
    revisions: planned(others).revisions,
    started: new Map(),
  };
  const plan = new Planner().plan(
    world.profiles(),
    ['a', 'b'].map((name) => ({ name, labels: {} })),
  );
  const mine = plan.profiles.get(own.metadata.name);
  if (!mine) throw new Error('the planner lost the profile');
  return profileStatus({
    plan: mine,
    profile: own,
    tally: undefined,
    stalled: undefined,
    waiting: undefined,
    preview: previews.of(plan, own.metadata.name, world),
    now: '2026-01-02T00:00:00Z',
  });
}

const ready = (status: SysctlProfileStatus): string => conditionOf(status.conditions, 'Ready')?.message ?? '';
const map = sysctl('vm.max_map_count=262144');
const search = profile('search', { mode: 'Plan', sysctls: [map, sysctl('kernel.msgmax=65536')] });
const other = profile('other', { sysctls: [sysctl('vm.max_map_count=100000')], age: 9 });

describe('the status of a profile with mode Plan', () => {
  test('says what would change on how many nodes', () => {
    const status = statusOf(search, [holding('a', [other])], [other]);
    expect(ready(status)).toBe(
      'mode Plan: nothing is changed; 2 nodes match; 2 would change; vm.max_map_count to 262144 on 2 ' +
        '(now 100000 on 1, not read yet on 1); 2 kubelets would restart unless the list, not read yet, has the entries',
    );
  });

  test('says it for each entry behind how it was resolved', () => {
    const status = statusOf(search, [holding('a', [other])], [other]);
    expect(status.sysctls?.map((s) => s.reason)).toEqual([
      expect.stringMatching(
        /^not namespaced.*; would change 2 of 2 nodes \(now 100000 on 1, not read yet on 1\)$/,
      ),
      expect.stringMatching(/; would restart 2 kubelets whose list is not read yet$/),
    ]);
  });

  test('says so where nothing would change', () => {
    const same = profile('same', { sysctls: [map] });
    const own = profile('search', { mode: 'Plan', sysctls: [map] });
    const status = statusOf(own, [holding('a', [same]), holding('b', [same])], [same]);
    expect(ready(status)).toBe('mode Plan: nothing is changed; 2 nodes match; nothing would change');
    expect(status.sysctls?.[0]?.reason).toMatch(/; would change no node$/);
  });

  test('follows an edit of the profile', () => {
    const previews = new Previews();
    const edit = profile('search', { mode: 'Plan', generation: 2, sysctls: [sysctl('vm.swappiness=1')] });
    expect(ready(statusOf(search, [], [], previews))).toContain('vm.max_map_count to 262144 on 2');
    expect(ready(statusOf(edit, [], [], previews))).toContain('vm.swappiness to 1 on 2');
  });
});
