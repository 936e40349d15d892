import { describe, expect, test } from '@jest/globals';
import type { Deviation, KubeletStatus } from '../../operator/api/state.ts';
import { nodeStatus, type StatusInput } from '../../operator/agent/status.ts';
import { revision } from './support/agent-fakes.ts';

const NAME = 'vm.max_map_count';
const counts = { inSync: 1, drifted: 0, failed: 0, unsupported: 0, foreign: 0 };
const input = (more: Partial<StatusInput> = {}): StatusInput => ({
  observedRevision: 'sysctl-1',
  data: revision('sysctl-1', [{ name: NAME, value: '1' }], ['kernel.msg*']).data,
  outcome: { deviations: [], counts, corrected: [] },
  kubelet: { state: 'Synced', allowedUnsafeSysctls: ['kernel.msg*'] },
  originals: { [NAME]: '65530' },
  stuck: undefined,
  bootID: 'boot',
  kernelRelease: '6.18.0',
  generation: 3,
  conditions: undefined,
  now: '2026-01-01T00:00:00Z',
  ...more,
});
const withDeviations = (...deviations: Deviation[]): Partial<StatusInput> => ({
  outcome: { deviations, counts, corrected: [] },
});
const ready = (more: Partial<StatusInput> = {}) => nodeStatus(input(more)).conditions?.[0];
const kubelet = (status: KubeletStatus): Partial<StatusInput> => ({ kubelet: status });

describe('Ready of a node state', () => {
  test('is True when every sysctl and the kubelet are as wanted', () => {
    expect(ready()).toEqual({
      type: 'Ready',
      status: 'True',
      reason: 'AllInSync',
      message: '1 sysctl is as wanted',
      observedGeneration: 3,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    });
  });

  test.each<[string, string, Partial<StatusInput>]>([
    ['SysctlFailed', 'a refused value', withDeviations({ name: NAME, state: 'Failed', message: 'refused' })],
    ['SysctlFailed', 'a missing key', withDeviations({ name: NAME, state: 'Unsupported' })],
    ['SysctlFailed', 'a contested key', withDeviations({ name: NAME, state: 'Contested' })],
    ['Drifted', 'drift that is only reported', withDeviations({ name: NAME, state: 'Drifted' })],
    ['KubeletFailed', 'a kubelet that did not take the list', kubelet({ state: 'Failed' })],
    ['KubeletUnsupported', 'a kubelet that cannot be configured', kubelet({ state: 'Unsupported' })],
    ['KubeletPending', 'a kubelet that restarts', kubelet({ state: 'Pending' })],
    ['RevisionMissing', 'a missing revision', { stuck: { reason: 'RevisionMissing', message: 'gone' } }],
    ['LedgerUnreadable', 'a broken ledger', { stuck: { reason: 'LedgerUnreadable', message: 'cut' } }],
  ])('is False with reason %s for %s', (reason, _, more) => {
    expect(ready(more)).toMatchObject({ status: 'False', reason });
  });

  test.each<[string, Partial<StatusInput>]>([
    ['a value that belongs to somebody else', withDeviations({ name: 'a.b', state: 'Foreign' })],
    ['entries of the kubelet that are held for running pods', kubelet({ state: 'Held' })],
    [
      'a missing key that is optional',
      {
        data: revision('r', [{ name: NAME, value: '1', optional: true }]).data,
        ...withDeviations({ name: NAME, state: 'Unsupported' }),
      },
    ],
    [
      'a kubelet that cannot be configured when nothing is wanted of it',
      { data: revision('r', []).data, ...kubelet({ state: 'Unsupported' }) },
    ],
  ])('stays True with %s', (_, more) => {
    expect(ready(more)?.status).toBe('True');
  });

  test('names what failed, and counts where it is much', () => {
    const failed = ['a', 'b', 'c', 'd', 'e'].map((name): Deviation => ({
      name: `x.${name}`,
      state: 'Failed',
      message: `x.${name}: no`,
    }));
    expect(ready(withDeviations(...failed))?.message).toBe('x.a: no; x.b: no; x.c: no; and 2 more');
  });

  test('keeps the time of its last change', () => {
    const before = nodeStatus(input()).conditions;
    const later = '2026-02-02T00:00:00Z';
    expect(ready({ conditions: before, now: later })?.lastTransitionTime).toBe('2026-01-01T00:00:00Z');
    expect(
      ready({ conditions: before, now: later, ...kubelet({ state: 'Failed' }) })?.lastTransitionTime,
    ).toBe(later);
  });
});

describe('the rest of a node state', () => {
  test('says what is live, what was there before and what the kubelet has', () => {
    expect(nodeStatus(input())).toMatchObject({
      observedRevision: 'sysctl-1',
      bootID: 'boot',
      kernelRelease: '6.18.0',
      sysctls: counts,
      deviations: [],
      originals: { [NAME]: '65530' },
      kubelet: { state: 'Synced' },
    });
  });

  test('is bounded: 100 deviations, messages of 1024 characters', () => {
    const many = Array.from({ length: 200 }, (_, i): Deviation => ({
      name: `k.${i}`,
      state: 'Failed',
      message: 'x'.repeat(5000),
    }));
    const { deviations } = nodeStatus(input(withDeviations(...many)));
    expect(deviations).toHaveLength(100);
    expect(deviations?.[0]?.message).toHaveLength(1024);
  });

  test('claims nothing that is not known yet', () => {
    const status = nodeStatus(
      input({ outcome: undefined, data: undefined, kubelet: undefined, observedRevision: undefined }),
    );
    expect(status).not.toHaveProperty('sysctls');
    expect(status).not.toHaveProperty('observedRevision');
    expect(status.conditions?.[0]?.status).toBe('Unknown');
  });
});
