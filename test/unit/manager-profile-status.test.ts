import { describe, expect, test } from '@jest/globals';
import { conditionOf, type Condition } from '../../operator/api/conditions.ts';
import type { SysctlProfile, SysctlProfileStatus } from '../../operator/api/profile.ts';
import { profileStatus, sameStatus, type ProfileStatusInput } from '../../operator/manager/profile-status.ts';
import type { Judgement, Verdict } from '../../operator/manager/readiness.ts';
import { Tally } from '../../operator/manager/tally.ts';
import { Planner } from '../../operator/plan/plan.ts';
import { profile, sysctl, type ProfileDraft } from './support/profiles.ts';

const NAMES = ['a', 'b', 'c'];
const KEY = 'vm.swappiness';
const judgement = (node: string, verdict: Verdict): Judgement => {
  const told = verdict === 'failed' || verdict === 'drifted';
  const failures = told ? [{ node, name: KEY, message: `${verdict} here` }] : [];
  return { verdict, updated: verdict !== 'pending', failures };
};
const tallied = (verdicts: readonly Verdict[]): Tally => {
  const tally = new Tally();
  for (const [i, verdict] of verdicts.entries()) {
    const node = NAMES[i] ?? `node-${i}`;
    tally.set(node, judgement(node, verdict));
  }
  return tally;
};
const planOf = (
  draft: ProfileDraft,
  others: readonly SysctlProfile[],
  nodes = NAMES,
): ProfileStatusInput['plan'] => {
  const own = profile('search', { generation: 4, age: 5, sysctls: [sysctl(`${KEY}=1`)], ...draft });
  const plan = new Planner().plan(
    [own, ...others],
    nodes.map((name) => ({ name, labels: {} })),
  );
  const mine = plan.profiles.get('search');
  if (!mine) throw new Error('the planner lost the profile');
  return mine;
};
interface Scene {
  draft?: ProfileDraft;
  others?: readonly SysctlProfile[];
  nodes?: string[];
  verdicts?: Verdict[];
  waiting?: string;
  stalled?: { node: string; reason: string };
}
const statusOf = (scene: Scene): SysctlProfileStatus => {
  const plan = planOf(scene.draft ?? {}, scene.others ?? [], scene.nodes);
  return profileStatus({
    plan,
    profile: plan.profile,
    tally: tallied(scene.verdicts ?? []),
    stalled: scene.stalled,
    waiting: scene.waiting,
    now: '2026-01-02T00:00:00Z',
  });
};
const condition = (scene: Scene, type: string): Condition | undefined =>
  conditionOf(statusOf(scene).conditions, type);
const older = profile('older', { sysctls: [sysctl(`${KEY}=2`)] });
const younger = profile('younger', { age: 9, sysctls: [sysctl(`${KEY}=2`)] });
const higher = profile('higher', { priority: 9, sysctls: [sysctl(`${KEY}=2`)] });
const done: Verdict[] = ['ready', 'ready', 'ready'];
const stored = (s: SysctlProfileStatus): SysctlProfile => ({ ...profile('search'), status: s });

describe('Ready of a profile', () => {
  test.each<[string, string, Scene]>([
    ['AllNodesReady', '3 nodes have every sysctl', { verdicts: done }],
    ['AllNodesReady', '1 node has every sysctl', { nodes: ['a'], verdicts: ['ready'] }],
    ['NoNodesMatched', 'no node matches spec.nodeSelector', { nodes: [] }],
    [
      'AllNodesReady',
      '3 nodes have every sysctl; decided by a higher priority: vm.swappiness (higher)',
      { others: [higher], verdicts: done },
    ],
  ])('is True with reason %s: %s', (reason, message, scene) => {
    expect(condition(scene, 'Ready')).toMatchObject({ status: 'True', reason, message });
  });

  test.each<[string, string, Scene]>([
    ['NotAccepted', 'nope: "nope" is not a sysctl name', { draft: { sysctls: [sysctl('nope=1')] } }],
    ['PlanOnly', 'nothing is changed; 3 nodes match', { draft: { mode: 'Plan' } }],
    [
      'RollingOut',
      '1 of 3 nodes ready; node b waits: maxUnavailable',
      { verdicts: ['ready', 'pending', 'pending'], waiting: 'node b waits: maxUnavailable' },
    ],
    ['RollingOut', '0 of 3 nodes ready', {}],
    [
      'Paused',
      '1 of 3 nodes ready',
      { draft: { rollout: { paused: true } }, verdicts: ['ready', 'pending', 'pending'] },
    ],
    [
      'NodeFailed',
      'node b: vm.swappiness: failed here',
      { verdicts: ['ready', 'failed', 'pending'], draft: { rollout: { paused: true } } },
    ],
    [
      'Conflicted',
      'vm.swappiness: profile older has the same priority, is older and keeps 2',
      { others: [older], verdicts: done },
    ],
    ['Drifted', 'node c: vm.swappiness: drifted here', { verdicts: ['ready', 'ready', 'drifted'] }],
    ['NodeNotReady', 'may no longer be right: b', { verdicts: ['ready', 'unavailable', 'ready'] }],
    ['RollingOut', '1 of 3 nodes ready', { verdicts: ['ready', 'unavailable', 'pending'] }],
  ])('is False with reason %s: %s', (reason, message, scene) => {
    expect(condition(scene, 'Ready')).toMatchObject({
      status: 'False',
      reason,
      message: expect.stringContaining(message),
      observedGeneration: 4,
    });
  });

  test('names three failures and counts the rest', () => {
    const verdicts = Array.from({ length: 12 }, (): Verdict => 'failed');
    const status = statusOf({ verdicts });
    expect(conditionOf(status.conditions, 'Ready')?.message).toContain('; and 9 more');
    expect(status.failures).toHaveLength(10);
  });
});

describe('the other conditions', () => {
  test.each<[string, Scene, string[]]>([
    ['a profile that is done', { verdicts: done }, []],
    ['a rollout under way', { verdicts: ['pending'] }, ['Reconciling']],
    ['drift', { verdicts: ['ready', 'ready', 'drifted'] }, ['Reconciling', 'Drifted']],
    ['a Node that went away', { verdicts: ['ready', 'ready', 'unavailable'] }, ['Reconciling']],
    ['a pause', { draft: { rollout: { paused: true } } }, []],
    ['mode Plan', { draft: { mode: 'Plan' } }, []],
    ['a failed node', { verdicts: ['failed', 'pending', 'pending'] }, ['Stalled']],
    ['a bad entry', { draft: { sysctls: [sysctl('nope=1')] } }, ['Stalled']],
    ['a lost conflict', { others: [older], verdicts: done }, ['Stalled', 'Conflicted']],
    ['a conflict that is won', { others: [younger], verdicts: done }, ['Conflicted']],
  ])('%s', (_, scene, expected) => {
    const { conditions } = statusOf(scene);
    const present = ['Reconciling', 'Stalled', 'Conflicted', 'Drifted'].filter(
      (type) => conditionOf(conditions, type)?.status === 'True',
    );
    expect(present).toEqual(expected);
    // kstatus reads their mere presence.
    for (const type of ['Reconciling', 'Stalled'])
      expect(conditionOf(conditions, type)?.status).not.toBe('False');
  });

  test('Stalled says which node holds back the others', () => {
    const stalled = { node: 'a', reason: 'node a failed and holds back' };
    expect(condition({ verdicts: ['failed'], stalled }, 'Stalled')?.message).toBe(stalled.reason);
  });

  test('Conflicted names both values, the other profile and who wins on how many nodes', () => {
    expect(condition({ others: [older], verdicts: done }, 'Conflicted')?.message).toBe(
      'vm.swappiness: 1 here, 2 in profile older; older is older and wins on 3 nodes',
    );
  });

  test('Accepted is False with the reason of each bad entry, and the good ones are still resolved', () => {
    const draft = { sysctls: [sysctl('nope=1'), sysctl('vm.swappiness=1')] };
    expect(condition({ draft }, 'Accepted')).toMatchObject({ status: 'False', reason: 'InvalidEntries' });
    expect(statusOf({ draft }).sysctls?.map((s) => s.name)).toEqual(['vm.swappiness']);
  });
});

describe('the status as it is stored', () => {
  test('counts the nodes', () => {
    expect(statusOf({ verdicts: ['ready', 'failed', 'drifted'] }).nodes).toEqual({
      matched: 3,
      updated: 3,
      ready: 1,
      failed: 1,
      drifted: 1,
    });
  });

  test('compares equal until something changes, also where the server leaves out empty lists', () => {
    const status = statusOf({ verdicts: done });
    const { failures, ...rest } = status;
    expect(failures).toEqual([]);
    const reordered = Object.fromEntries(Object.entries(rest).toReversed()) as SysctlProfileStatus;
    expect(sameStatus(stored(reordered), status)).toBe(true);
    expect(sameStatus(stored(statusOf({ verdicts: ['ready', 'ready', 'pending'] })), status)).toBe(false);
    expect(sameStatus(profile('search'), status)).toBe(false);
  });

  test('keeps the time of a condition until its status changes', () => {
    const first = statusOf({ verdicts: done });
    const plan = planOf({}, []);
    const next = (verdicts: Verdict[]) =>
      conditionOf(
        profileStatus({
          plan,
          profile: { ...plan.profile, status: first },
          tally: tallied(verdicts),
          stalled: undefined,
          waiting: undefined,
          now: '2026-01-03T00:00:00Z',
        }).conditions,
        'Ready',
      )?.lastTransitionTime;
    expect(next(done)).toBe('2026-01-02T00:00:00Z');
    expect(next(['ready', 'ready', 'pending'])).toBe('2026-01-03T00:00:00Z');
  });
});
