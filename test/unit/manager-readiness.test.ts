import { describe, expect, test } from '@jest/globals';
import type { Deviation, KubeletStatus } from '../../operator/api/state.ts';
import { judge, type JudgeInput, type Verdict } from '../../operator/manager/readiness.ts';
import { nodeState, type StateDraft } from './support/manager-fakes.ts';
import { composed, profile, sysctl } from './support/profiles.ts';

const { data } = composed(
  profile('search', {
    sysctls: [
      sysctl('vm.swappiness=1'),
      sysctl('vm.zone_reclaim_mode=0', { optional: true }),
      sysctl('fs.file-max>=10'),
    ],
  }),
  profile('web', { sysctls: [sysctl('vm.max_map_count=1'), sysctl('fs.file-max=20')] }),
);
const other = composed(profile('search', { sysctls: [sysctl('vm.swappiness=2')] })).data;
const state = (more: Partial<StateDraft> = {}) => nodeState('a', { revision: 'r1', ...more });
const verdict = (more: Partial<JudgeInput> = {}) =>
  judge({
    node: 'a',
    nodeReady: true,
    profile: 'search',
    state: state(),
    observed: data,
    wanted: data,
    current: true,
    patterns: [],
    ...more,
  });
const deviating = (...deviations: Deviation[]): Partial<JudgeInput> => ({
  state: state({ deviations, notReady: 'SysctlFailed' }),
});
const swappiness = (deviation: Omit<Deviation, 'name'>): Partial<JudgeInput> =>
  deviating({ name: 'vm.swappiness', ...deviation });
const kubelet = (status: KubeletStatus, more: Partial<JudgeInput> = {}): Partial<JudgeInput> => ({
  patterns: ['net.core.*', 'net/ipv4/tcp_*'],
  state: state({ kubelet: status }),
  ...more,
});
const many = Array.from({ length: 100 }, (_, i): Deviation => ({ name: `k.${i}`, state: 'Failed' }));
const list = ['net.core.*', 'net.ipv4.tcp_*', 'fs.mqueue.*'];

describe('a profile on a node', () => {
  test.each<[Verdict, boolean, string, Partial<JudgeInput>]>([
    ['ready', true, 'has everything', {}],
    ['pending', false, 'has no state', { state: undefined }],
    ['pending', false, 'has an agent that has not started', { state: { ...state(), status: {} } }],
    ['pending', false, 'observed a revision that nobody knows any more', { observed: undefined }],
    ['pending', false, 'still has the part of an older revision', { observed: other, current: false }],
    ['ready', true, 'gets a new revision that is the same for this profile', { current: false }],
    ['pending', true, 'has an agent that has not judged it', { state: state({ conditions: [] }) }],
    ['unavailable', true, 'went away after it was ready', { nodeReady: false }],
    ['failed', true, 'refused a value', swappiness({ state: 'Failed' })],
    ['failed', true, 'does not have the key', swappiness({ state: 'Unsupported' })],
    ['failed', true, 'has another writer that keeps winning', swappiness({ state: 'Contested' })],
    ['failed', true, 'put the old values back by itself', swappiness({ state: 'RolledBack' })],
    ['drifted', true, 'was changed by somebody and only reports it', swappiness({ state: 'Drifted' })],
    [
      'failed',
      true,
      'refused one value and drifted with another',
      deviating({ name: 'fs.file-max', state: 'Drifted' }, { name: 'vm.swappiness', state: 'Failed' }),
    ],
    [
      'ready',
      true,
      'does not have a key that is optional',
      deviating({ name: 'vm.zone_reclaim_mode', state: 'Unsupported' }),
    ],
    [
      'ready',
      true,
      'fails with the key of another profile',
      deviating({ name: 'vm.max_map_count', state: 'Failed' }),
    ],
    [
      'failed',
      true,
      'has a key that is optional, but does not take its value',
      deviating({ name: 'vm.zone_reclaim_mode', state: 'Failed' }),
    ],
    ['pending', true, 'has more deviations than its status can hold', deviating(...many)],
    [
      'failed',
      false,
      'cannot read its ledger',
      { state: state({ notReady: 'LedgerUnreadable' }), nodeReady: true },
    ],
    ['failed', false, 'cannot read its revision', { state: state({ notReady: 'RevisionMissing' }) }],
    ['ready', true, 'has its patterns and more', kubelet({ state: 'Synced', allowedUnsafeSysctls: list })],
    ['ready', true, 'keeps more than is wanted', kubelet({ state: 'Held', allowedUnsafeSysctls: list })],
    ['pending', true, 'restarts its kubelet', kubelet({ state: 'Pending', allowedUnsafeSysctls: [] })],
    ['pending', true, 'has a kubelet of which nothing is known', { patterns: ['net.core.*'] }],
    ['failed', true, 'has a kubelet that did not take the list', kubelet({ state: 'Failed' })],
    ['failed', true, 'has a kubelet that nobody can configure', kubelet({ state: 'Unsupported' })],
    [
      'pending',
      true,
      'has a kubelet that did not take an older list',
      kubelet({ state: 'Failed' }, { current: false }),
    ],
    [
      'ready',
      true,
      'has a kubelet that failed, of which this profile wants nothing',
      kubelet({ state: 'Failed' }, { patterns: [] }),
    ],
  ])('is %s (updated: %s) where the node %s', (expected, updated, _, more) => {
    expect(verdict(more)).toMatchObject({ verdict: expected, updated });
  });

  test('names node, key and what is wrong with it', () => {
    expect(verdict(swappiness({ state: 'Failed', message: 'EINVAL' })).failures).toEqual([
      { node: 'a', name: 'vm.swappiness', message: 'EINVAL' },
    ]);
    expect(verdict(swappiness({ state: 'Drifted', desired: '1', live: '60' })).failures).toEqual([
      { node: 'a', name: 'vm.swappiness', message: 'Drifted: wanted 1, found 60' },
    ]);
  });

  test('names the pattern that the kubelet lacks', () => {
    const status: KubeletStatus = {
      state: 'Failed',
      allowedUnsafeSysctls: ['net/core/*'],
      message: 'did not start',
    };
    expect(verdict(kubelet(status)).failures).toEqual([
      { node: 'a', name: 'net/ipv4/tcp_*', message: 'did not start' },
    ]);
  });

  // fs.file-max is decided by web and satisfies search too: where it failed, search does not have it either.
  test('fails with a key that another profile decides for it', () => {
    expect(verdict(deviating({ name: 'fs.file-max', state: 'Failed' })).verdict).toBe('failed');
  });
});
