import { describe, expect, test } from '@jest/globals';
import type { Condition } from '../../operator/api/conditions.ts';
import type { SysctlProfileStatus } from '../../operator/api/profile.ts';
import { profileEvents } from '../../operator/manager/events.ts';
import { profile } from './support/profiles.ts';

const condition = (type: string, status: 'True' | 'False', reason: string, message = reason): Condition => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});
const status = (...conditions: Condition[]): SysctlProfileStatus => ({ conditions });
const ready = (reason: string, message?: string) => condition('Ready', 'True', reason, message);
const not = (reason: string, message?: string) => condition('Ready', 'False', reason, message);
const conflict = (message: string) => condition('Conflicted', 'True', 'EqualPriority', message);
const told = (before: SysctlProfileStatus | undefined, after: SysctlProfileStatus): string[] =>
  profileEvents({ ...profile('search'), ...(before && { status: before }) }, after).map(
    (e) => `${e.type} ${e.reason}`,
  );

describe('the events of a profile', () => {
  test.each<[string, SysctlProfileStatus | undefined, SysctlProfileStatus, string[]]>([
    ['a first status', undefined, status(not('RollingOut')), ['Normal RollingOut']],
    ['the end of a rollout', status(not('RollingOut')), status(ready('AllNodesReady')), ['Normal Ready']],
    ['progress only', status(not('RollingOut', '1 of 3')), status(not('RollingOut', '2 of 3')), []],
    ['a failure', status(not('RollingOut')), status(not('NodeFailed')), ['Warning NodeFailed']],
    ['another failed node', status(not('NodeFailed', 'a')), status(not('NodeFailed', 'b')), []],
    ['drift', status(ready('AllNodesReady')), status(not('Drifted')), ['Warning Drifted']],
    [
      'a conflict that this profile wins',
      status(ready('AllNodesReady')),
      status(ready('AllNodesReady'), conflict('x')),
      ['Warning Conflicted'],
    ],
    [
      'the same conflict again',
      status(ready('AllNodesReady'), conflict('x')),
      status(ready('AllNodesReady'), conflict('x')),
      [],
    ],
    [
      'a conflict that this profile loses, once',
      status(ready('AllNodesReady')),
      status(not('Conflicted'), conflict('x')),
      ['Warning Conflicted'],
    ],
  ])('tell of %s', (_, before, after, events) => {
    expect(told(before, after)).toEqual(events);
  });

  test('are about the very object', () => {
    expect(
      profileEvents(profile('search', { uid: 'u-1' }), status(ready('AllNodesReady', 'all done'))),
    ).toEqual([
      expect.objectContaining({
        regarding: {
          apiVersion: 'sysctl-operator.dev/v1alpha1',
          kind: 'SysctlProfile',
          name: 'search',
          uid: 'u-1',
        },
        note: 'all done',
      }),
    ]);
  });
});
