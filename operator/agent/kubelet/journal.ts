import { join } from 'node:path';
import { OperatorError } from '../../errors.ts';
import { readIfPresent, removeDurably, writeDurably } from '../durable-file.ts';
import { isNumber, isText, listOf, optional, shaped } from '../shapes.ts';
import type { HostFile } from './host-files.ts';

/** Our own file, or the kubelet's main one. */
export type FileKind = 'dropIn' | 'main';

/** A file of the kubelet's configuration that holds our part, by the node's path. */
export interface OurFile {
  path: string;
  kind: FileKind;
  /** The main file before we touched it for the first time. */
  original?: HostFile;
  /** The file as we wrote it last. */
  written?: string;
  /** What of its list is there because of us. */
  ours: string[];
}

/** One file of a change; undefined members: there is no file. */
export interface Edit {
  path: string;
  kind: FileKind;
  before?: HostFile;
  after?: string;
}

/** A change under way. */
export interface PendingChange {
  /** What it does to the files, in this order; the first is the one that is to hold our part. */
  edits: Edit[];
  /** What of the list is there because of us once it is done. */
  ours: string[];
}

/** The record that makes a half-done change of the kubelet's configuration recoverable. */
export interface KubeletRecord extends OurFile {
  version: 1;
  /** The systemd unit of the kubelet: a kubelet that is down cannot be asked for it. */
  unit: string;
  /** Files that the kubelet read before it was told to read others: our part has still to come out of them. */
  left?: OurFile[];
  change?: PendingChange;
  failed?: FailedList;
}

/** The last list that the kubelet did not come up with. */
export interface FailedList {
  list: string[];
  at: string;
  message: string;
  /** It did not come up with the old list either: the new one may be good. */
  oldToo?: true;
}

const isHostFile = shaped({ text: isText, mode: isNumber, uid: isNumber, gid: isNumber });
const isKind = (value: unknown): boolean => value === 'dropIn' || value === 'main';
const OUR_FILE = {
  path: isText,
  kind: isKind,
  original: optional(isHostFile),
  written: optional(isText),
  ours: listOf(isText),
};
const isEdit = shaped({ path: isText, kind: isKind, before: optional(isHostFile), after: optional(isText) });
const isRecord = shaped({
  ...OUR_FILE,
  version: (value) => value === 1,
  unit: isText,
  left: optional(listOf(shaped(OUR_FILE))),
  change: optional(shaped({ edits: listOf(isEdit), ours: listOf(isText) })),
  failed: optional(shaped({ list: listOf(isText), at: isText, message: isText })),
});

/** The record without the change that was under way; undefined where nothing of ours is left to be remembered. */
export function settled(record: KubeletRecord): KubeletRecord | undefined {
  const { change: _, ...rest } = record;
  return record.ours.length > 0 || record.left || record.failed ? rest : undefined;
}

/** kubelet.json in the agent's folder on the node. */
export class Journal {
  readonly #file: string;

  constructor(stateDir: string) {
    this.#file = join(stateDir, 'kubelet.json');
  }

  /** Throws LedgerUnreadable where the file is damaged: what the kubelet had before is not known then. */
  read(): KubeletRecord | undefined {
    const text = readIfPresent(this.#file);
    if (text === undefined) return undefined;
    try {
      const record: unknown = JSON.parse(text);
      if (isRecord(record)) return record as KubeletRecord;
    } catch {
      // Told below.
    }
    throw new OperatorError(
      'LedgerUnreadable',
      `${this.#file} cannot be read: nothing is changed in the kubelet's configuration; see docs/troubleshooting.md`,
    );
  }

  /** On disk when it returns. A record that is there already is not written again: an entry that is held is looked at for days. */
  write(record: KubeletRecord): void {
    const text = JSON.stringify(record, null, 2);
    if (readIfPresent(this.#file) !== text) writeDurably(this.#file, text);
  }

  remove(): void {
    if (readIfPresent(this.#file) !== undefined) removeDurably(this.#file);
  }
}
