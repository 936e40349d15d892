import type { HostFile, HostFiles } from './host-files.ts';
import { without } from './change.ts';
import { listOf, withList } from './config.ts';
import type { Edit, PendingChange } from './journal.ts';

type Files = Pick<HostFiles, 'read' | 'write' | 'remove'>;

const put = (host: Files, path: string, text: string | undefined, like: HostFile | undefined): void =>
  text === undefined ? host.remove(path) : host.write(path, text, like);

/** Writes the files of a change, each with the owner and mode that it had. The record of it is on disk before. */
export function applyEdits(host: Files, edits: readonly Edit[]): void {
  for (const { path, before, after } of edits) if (before?.text !== after) put(host, path, after, before);
}

/** Every file is as the change leaves it. */
export const areApplied = (host: Files, edits: readonly Edit[]): boolean =>
  edits.every(({ path, after }) => host.read(path)?.text === after);

/** Somebody else has edited the kubelet's main file since: theirs stays, and only what the change brought comes out. */
function withoutAdded(path: string, text: string, added: readonly string[]): string {
  try {
    return withList({ path, text }, without(listOf({ path, text }), added));
  } catch {
    // Not valid any more: nothing of it can be told apart.
    return text;
  }
}

/** Puts the files of before back. `had`: what was ours before the change. Can be run again at any point. */
export function undoEdits(host: Files, { edits, ours }: PendingChange, had: readonly string[]): void {
  for (const { path, kind, before, after } of edits.toReversed()) {
    const current = host.read(path);
    if (current?.text === before?.text) continue;
    const foreign = kind === 'main' && current && current.text !== after;
    if (!foreign) put(host, path, before?.text, before);
    else {
      const text = withoutAdded(path, current.text, without(ours, had));
      if (text !== current.text) put(host, path, text, current);
    }
  }
}
