import { API_VERSION } from '../api/names.ts';
import { conditionOf } from '../api/conditions.ts';
import type { EventDraft } from '../kube/events.ts';
import type { SysctlProfile, SysctlProfileStatus } from '../api/profile.ts';

/** About the manager's own pod, which is not Ready meanwhile. */
export const redisEvent = (
  pod: { podName: string; podUid: string; namespace: string },
  up: boolean,
): EventDraft => ({
  regarding: { apiVersion: 'v1', kind: 'Pod', name: pod.podName, namespace: pod.namespace, uid: pod.podUid },
  ...(up
    ? { type: 'Normal', reason: 'RedisBack', action: 'Queue', note: 'Redis answers again: work goes on' }
    : {
        type: 'Warning',
        reason: 'RedisAway',
        action: 'Queue',
        note: 'Redis cannot be reached: no work is done; agents go on enforcing',
      }),
});

export interface ProfileEvent {
  regarding: { apiVersion: string; kind: string; name: string; uid: string };
  type: 'Normal' | 'Warning';
  reason: string;
  action: string;
  note: string;
}

/** What a person would want to be told when a profile's status goes from the old to the new one. Pure. */
export function profileEvents(profile: SysctlProfile, status: SysctlProfileStatus): ProfileEvent[] {
  const events: ProfileEvent[] = [];
  const add = (type: ProfileEvent['type'], reason: string, action: string, note: string): void => {
    const regarding = {
      apiVersion: API_VERSION,
      kind: 'SysctlProfile',
      name: profile.metadata.name,
      uid: profile.metadata.uid ?? '',
    };
    events.push({ regarding, type, reason, action, note });
  };
  const before = (type: string) => conditionOf(profile.status?.conditions, type);
  const after = (type: string) => conditionOf(status.conditions, type);
  const ready = after('Ready');
  const old = before('Ready');
  if (ready && (ready.status !== old?.status || ready.reason !== old.reason)) {
    if (ready.status === 'True') add('Normal', 'Ready', 'Reconcile', ready.message);
    else if (ready.reason === 'RollingOut') add('Normal', 'RollingOut', 'Rollout', ready.message);
    else add('Warning', ready.reason, 'Reconcile', ready.message);
  }
  const conflicted = after('Conflicted');
  if (
    conflicted?.status === 'True' &&
    before('Conflicted')?.message !== conflicted.message &&
    ready?.reason !== 'Conflicted'
  )
    add('Warning', 'Conflicted', 'Plan', conflicted.message);
  return events;
}
