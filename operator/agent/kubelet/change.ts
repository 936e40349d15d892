import { isSafeSysctl, normalizePattern, patternMatches } from '../../sysctl/kubelet-patterns.ts';

/** A pod of this node and the sysctls that it sets, if any. */
export interface PodSysctls {
  /** namespace/name */
  pod: string;
  sysctls: readonly string[];
}

export interface ChangeInput {
  wanted: readonly string[];
  /** What the kubelet's own files say, without ours. */
  base: readonly string[];
  /** What the running kubelet has. */
  live: readonly string[];
  /** What of the live list may be there because of us. */
  ours: readonly string[];
  running: readonly PodSysctls[];
}

export interface Hold {
  entry: string;
  /** namespace/name */
  pods: string[];
}

export interface Change {
  /** What our part of the configuration must say; undefined where nothing of ours is needed. */
  list: string[] | undefined;
  /** What of it is there because of us. */
  ours: string[];
  /** Entries that nobody wants any more, but running pods use. */
  holds: Hold[];
  restart: boolean;
}

const has = (list: readonly string[], entry: string): boolean =>
  list.some((other) => normalizePattern(other) === normalizePattern(entry));

/** Every entry once, in the order in which it is first met. */
export const union = (...lists: (readonly string[])[]): string[] => {
  const result: string[] = [];
  for (const entry of lists.flat()) if (!has(result, entry)) result.push(entry);
  return result;
};

/** Running pods that only this entry lets run: without it the kubelet kills them when it starts (admission runs again). */
function users(entry: string, rest: readonly string[], running: readonly PodSysctls[]): string[] {
  const needs = (name: string): boolean =>
    !isSafeSysctl(name) && patternMatches(entry, name) && !rest.some((other) => patternMatches(other, name));
  return running.filter(({ sysctls }) => sysctls.some(needs)).map(({ pod }) => pod);
}

/**
 * What to do with the kubelet's list: its own entries and the wanted ones, and as long as pods run with them, the ones that
 * were wanted before. Restarts only where the running kubelet lacks a wanted entry or has one of ours too many. Pure.
 */
export function changeOf({ wanted, base, live, ours, running }: ChangeInput): Change {
  const kept = union(base, wanted);
  const leaving = ours.filter((entry) => has(live, entry) && !has(kept, entry));
  const holds = leaving
    .map((entry) => ({ entry, pods: users(entry, kept, running) }))
    .filter(({ pods }) => pods.length > 0);
  const held = holds.map(({ entry }) => entry);
  const needed = union(wanted, held).filter((entry) => !has(base, entry));
  return {
    list: needed.length > 0 ? union(base, needed) : undefined,
    ours: needed,
    holds,
    restart: wanted.some((entry) => !has(live, entry)) || leaving.some((entry) => !has(held, entry)),
  };
}

/** The wanted entries that a list lacks. */
export const missing = (wanted: readonly string[], list: readonly string[]): string[] =>
  wanted.filter((entry) => !has(list, entry));

/** Entries of one list without those of another. */
export const without = (list: readonly string[], others: readonly string[]): string[] =>
  list.filter((entry) => !has(others, entry));
