import { setTimeout as sleep } from 'node:timers/promises';
import { isAtLeast } from '../kube/resource-version.ts';
import { Postponed, type View } from './job.ts';

/** One replica's copy of a collection (Reflector). */
export interface Copy {
  /** Up to which resourceVersion it is known to be current; empty before the first list. */
  readonly version: string;
  /** The newest resourceVersion that changed it. */
  readonly newest: string;
}

export const viewOf = (copies: Readonly<Record<string, Copy>>): View =>
  Object.fromEntries(Object.entries(copies).map(([name, { newest }]) => [name, newest]));

/** True when the copies show everything that the view had seen. A copy that has not been listed yet shows nothing. */
export const covers = (copies: Readonly<Record<string, Copy>>, view: View): boolean =>
  Object.entries(copies).every(([name, { version }]) => isAtLeast(version, view[name] ?? '0'));

/** The events of one change come to all replicas within a few ms of each other. */
const AT_HAND_MS = 100;
const POLL_MS = 5;
const LATER_MS = 250;

/**
 * Resolves once this replica's copies are as new as those that the leader had when it queued the job: an older decision must not
 * be written, however current the object is that it is written to. Rejects with Postponed when they are behind.
 */
export async function caughtUp(copies: Readonly<Record<string, Copy>>, view: View): Promise<void> {
  const limit = performance.now() + AT_HAND_MS;
  while (!covers(copies, view)) {
    if (performance.now() > limit) throw new Postponed(LATER_MS);
    await sleep(POLL_MS);
  }
}
