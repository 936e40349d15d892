import type { Terminal } from '../command.ts';
import { diffPage } from '../diff/command.ts';
import { nodeDiff } from '../diff/rows.ts';
import type { Snapshot, Subject } from './look.ts';
import { overviewPage, profilePage } from './page.ts';

/** The page of a subject at a moment (ms since 1970), from which ages are counted. Pure. */
export function view(subject: Subject, snapshot: Snapshot, terminal: Terminal, now: number): string {
  const { profiles, states, revisions } = snapshot;
  if (subject.kind === 'profiles') return overviewPage(profiles, { ...terminal, now });
  if (subject.kind === 'node') {
    const state = states.find((s) => s.metadata.name === subject.name);
    return state
      ? diffPage(nodeDiff(state, revisions), terminal, now)
      : `Node ${subject.name} has no state any more: no profile matches it, or the node is gone.\n`;
  }
  const profile = profiles.find((p) => p.metadata.name === subject.name);
  if (!profile) return `Profile ${subject.name} is not there any more.\n`;
  // A node is the profile's when the revision that it is told to have was made from it.
  const own = states.filter((s) =>
    revisions.get(s.spec.revision)?.data.profiles.some((p) => p.name === subject.name),
  );
  return profilePage(profile, own, { ...terminal, now });
}
