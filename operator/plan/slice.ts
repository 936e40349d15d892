import type { RevisionData } from '../api/revision.ts';

const slices = new WeakMap<RevisionData, Map<string, string>>();

/**
 * The node-level part that one profile has in a revision, in a form that can be compared: two revisions with the same slice give the
 * profile the same values. Entries that it lost are not in it. The kubelet's list is judged apart, by what is live.
 */
export function profileSlice(data: RevisionData, profile: string): string {
  let known = slices.get(data);
  if (!known) slices.set(data, (known = new Map()));
  let slice = known.get(profile);
  if (slice === undefined) {
    const own = data.sysctls.filter((s) => s.profile === profile || s.also?.includes(profile));
    const leftOut = (data.unsupported ?? []).filter((u) => u.profiles.includes(profile));
    slice = JSON.stringify([
      ...own.map(({ name, value, match, optional, drift }) => [name, value, match, optional, drift]),
      ...leftOut.map(({ name, optional }) => [name, optional]),
    ]);
    known.set(profile, slice);
  }
  return slice;
}
