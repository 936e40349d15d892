import { describe, expect, test } from '@jest/globals';
import { composed, profile, sysctl, type ProfileDraft } from './support/profiles.ts';

const policy = (...rollouts: ProfileDraft['rollout'][]) =>
  composed(...rollouts.map((rollout, i) => profile(`p${i}`, rollout && { rollout }))).data.policy;
const nameOf = (draft: ProfileDraft) => composed(profile('p', draft)).name;

describe('the policy of a revision', () => {
  test.each<[string, ProfileDraft['rollout'][], number]>([
    ['60 s where nothing is said', [undefined], 60],
    ['60 s without a profile', [], 60],
    ['the one profile that is there', [{ confirmTimeoutSeconds: 600 }], 600],
    ['the shortest', [{ confirmTimeoutSeconds: 600 }, { confirmTimeoutSeconds: 120 }], 120],
    ['the default where it is the shortest', [{ confirmTimeoutSeconds: 600 }, {}], 60],
  ])('waits for confirmation: %s', (_, rollouts, seconds) => {
    expect(policy(...rollouts).confirmTimeoutSeconds).toBe(seconds);
  });

  test.each<[ProfileDraft['rollout'][], string]>([
    [[undefined], 'Rollback'],
    [[], 'Rollback'],
    [[{ onFailure: 'Pause' }], 'Pause'],
    [[{ onFailure: 'Pause' }, { onFailure: 'Pause' }], 'Pause'],
    [[{ onFailure: 'Pause' }, { onFailure: 'Rollback' }], 'Rollback'],
    [[{ onFailure: 'Pause' }, undefined], 'Rollback'],
  ])('rolls back if any profile says so: %j gives %s', (rollouts, onFailure) => {
    expect(policy(...rollouts).onFailure).toBe(onFailure);
  });

  test('of drift and removal stays with each entry', () => {
    const { data } = composed(
      profile('a', { sysctls: [sysctl('vm.swappiness=1')], driftPolicy: 'Report', removalPolicy: 'Keep' }),
      profile('b', { sysctls: [sysctl('fs.file-max=1')] }),
    );
    expect(data.sysctls).toMatchObject([
      { name: 'fs.file-max', drift: 'Correct', removal: 'Restore' },
      { name: 'vm.swappiness', drift: 'Report', removal: 'Keep' },
    ]);
  });
});

describe('the name of a revision', () => {
  const base: ProfileDraft = {
    sysctls: [sysctl('vm.swappiness=1'), sysctl('fs.file-max=2')],
    pods: { allowedUnsafeSysctls: ['net.core.*', 'fs.mqueue.*'] },
  };
  const entries = (...sysctls: ReturnType<typeof sysctl>[]): ProfileDraft => ({ ...base, sysctls });

  test.each<[string, ProfileDraft]>([
    ['a generation', { ...base, generation: 9 }],
    ['a pause', { ...base, rollout: { paused: true } }],
    ['maxUnavailable', { ...base, rollout: { maxUnavailable: '50%' } }],
    ['the order of the entries', entries(sysctl('fs.file-max=2'), sysctl('vm.swappiness=1'))],
    ['the spelling of names and values', entries(sysctl('vm/swappiness=0x1'), sysctl('fs.file-max= 2 '))],
    ['the order of patterns', { ...base, pods: { allowedUnsafeSysctls: ['fs/mqueue/*', 'net.core.*'] } }],
    ['defaults that are written out', { ...base, driftPolicy: 'Correct', removalPolicy: 'Restore' }],
    ['the selector', { ...base, nodeSelector: { matchLabels: { a: 'b' } } }],
  ])('does not change with %s', (_, draft) => {
    expect(nameOf(draft)).toBe(nameOf(base));
  });

  test.each<[string, ProfileDraft]>([
    ['a value', entries(sysctl('vm.swappiness=2'), sysctl('fs.file-max=2'))],
    ['a match', entries(sysctl('vm.swappiness>=1'), sysctl('fs.file-max=2'))],
    ['an entry that goes', entries(sysctl('vm.swappiness=1'))],
    ['optional', entries(sysctl('vm.swappiness=1', { optional: true }), sysctl('fs.file-max=2'))],
    ['a pattern', { ...base, pods: { allowedUnsafeSysctls: ['net.core.*'] } }],
    ['the drift policy', { ...base, driftPolicy: 'Report' }],
    ['the removal policy', { ...base, removalPolicy: 'Keep' }],
    ['the confirm timeout', { ...base, rollout: { confirmTimeoutSeconds: 120 } }],
    ['what happens on failure', { ...base, rollout: { onFailure: 'Pause' } }],
  ])('changes with %s', (_, draft) => {
    expect(nameOf(draft)).not.toBe(nameOf(base));
  });

  test('is a name that Kubernetes takes', () => {
    expect(nameOf(base)).toMatch(/^sysctl-[0-9a-f]{10}$/);
  });
});
