import type { KubeletStatus } from '../../api/state.ts';
import { missing, without, type Change, type Hold } from './change.ts';
import type { KubeletRecord } from './journal.ts';

const PODS_NAMED = 3;

export const quoted = (list: readonly string[]): string => list.map((entry) => `"${entry}"`).join(', ');

function heldFor({ entry, pods }: Hold): string {
  const more = pods.length > PODS_NAMED ? ` and ${pods.length - PODS_NAMED} more` : '';
  return `"${entry}" for ${pods.slice(0, PODS_NAMED).join(', ')}${more}`;
}

/** The kubelet has what is wanted. */
export function doneStatus(
  record: KubeletRecord,
  { holds }: Change,
  live: string[],
  wanted: readonly string[],
): KubeletStatus {
  const managed = record.ours.length > 0;
  const status: KubeletStatus = {
    state: managed || wanted.length > 0 ? 'Synced' : 'Unmanaged',
    allowedUnsafeSysctls: live,
    ...(managed && { configPath: record.path }),
  };
  if (holds.length === 0) return status;
  const message = `kept as long as running pods use it: ${holds.map(heldFor).join('; ')}`;
  return { ...status, state: 'Held', message };
}

/** Why the list that a restarted kubelet has is not the one it was restarted for; undefined when it is. */
export const checkFor =
  (wanted: readonly string[], gone: readonly string[]) =>
  (live: readonly string[]): string | undefined => {
    const lacks = missing(wanted, live);
    if (lacks.length > 0) return `its configz lacks ${quoted(lacks)}`;
    const still = gone.filter((entry) => missing([entry], live).length === 0);
    return still.length > 0 ? `its configz still has ${quoted(still)}` : undefined;
  };

/** What is told of a list that the kubelet did not take. `now`: how it is with the old configuration. */
export function failureMessage(change: Change, had: readonly string[], why: string, now: string): string {
  const added = without(change.ours, had);
  const what = added.length > 0 ? `with ${quoted(added)} allowed` : 'with the shorter list';
  return `the kubelet did not come up ${what}: ${why}; the old configuration ${now}`;
}
