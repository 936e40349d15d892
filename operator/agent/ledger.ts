import type { RemovalPolicy } from '../api/profile.ts';
import type { Deviation } from '../api/state.ts';
import { messageOf, OperatorError } from '../errors.ts';
import { durableFiles, type DurableFiles } from './durable-file.ts';
import { isObject, isText, listOf, mapOf, optional, shaped } from './shapes.ts';

export interface LedgerEntry {
  /** What was there before the first write of this program, since the machine booted. */
  original: string;
  /** What was, or is about to be, written. */
  written: string;
  /** A value of ours that was live before that; it still is when the agent was killed between the ledger and the kernel. */
  previous?: string;
  removal: RemovalPolicy;
  /** Values of keys that a write of this one sets to 0 (vm.dirty_bytes and vm.dirty_ratio), by name. */
  coupled?: Record<string, string>;
}

interface LedgerFile {
  version: 1;
  bootID: string;
  entries: Record<string, LedgerEntry>;
  /** Values that were found to be somebody else's when they should have been put back; told until the next revision. */
  foreign: { revision: string; deviations: Deviation[] };
}

const VERSION = 1;
const HELP = 'no sysctl is changed until it is mended; see docs/troubleshooting.md';

const unreadable = (text: string, cause?: unknown): OperatorError =>
  new OperatorError('LedgerUnreadable', text, cause === undefined ? undefined : { cause });

const isEntry = shaped({
  original: isText,
  written: isText,
  previous: optional(isText),
  removal: optional(isText),
  coupled: optional(mapOf(isText)),
});
const isForeign = shaped({ revision: isText, deviations: listOf(shaped({ name: isText, state: isText })) });

function parse(file: string, text: string): LedgerFile {
  let content: Partial<LedgerFile> | null;
  try {
    content = JSON.parse(text) as Partial<LedgerFile> | null;
  } catch (error) {
    throw unreadable(`${file} is cut or not JSON: the original values cannot be known; ${HELP}`, error);
  }
  const { version, bootID, entries, foreign } = content ?? {};
  if (version !== VERSION)
    throw unreadable(`${file} has version ${String(version)}, this agent knows ${VERSION}; ${HELP}`);
  if (typeof bootID !== 'string' || !isObject(entries))
    throw unreadable(`${file} lacks bootID or entries; ${HELP}`);
  const bad = Object.keys(entries).find((name) => !isEntry(entries[name]));
  if (bad !== undefined)
    throw unreadable(
      `${file}: the entry of ${bad} lacks original or written, or is otherwise damaged; ${HELP}`,
    );
  if (!optional(isForeign)(foreign))
    throw unreadable(`${file}: what it says of foreign values is damaged; ${HELP}`);
  return { version, bootID, entries, foreign: foreign ?? { revision: '', deviations: [] } };
}

/**
 * The write-ahead ledger: what every key was before the first write, on disk before that write. A reboot resets all values, so entries
 * of another boot are dropped: what is found then is the new original.
 */
export class Ledger {
  readonly #file: string;
  readonly #files: DurableFiles;
  readonly #bootID: string;
  readonly #entries: Map<string, LedgerEntry>;
  #foreign: LedgerFile['foreign'];
  #saved: string;
  /** Something was set or deleted since it was saved. */
  #touched = true;

  private constructor(file: string, files: DurableFiles, content: LedgerFile, saved: string) {
    this.#file = file;
    this.#files = files;
    this.#bootID = content.bootID;
    this.#entries = new Map(Object.entries(content.entries));
    this.#foreign = content.foreign;
    this.#saved = saved;
  }

  /** Throws LedgerUnreadable when the file is there but cannot be understood: then nobody may guess. */
  static open(file: string, bootID: string, files: DurableFiles = durableFiles): Ledger {
    let text: string | undefined;
    try {
      text = files.read(file);
    } catch (error) {
      throw unreadable(`${file} cannot be read; ${HELP}`, error);
    }
    const found = text === undefined ? undefined : parse(file, text);
    const fresh: LedgerFile = {
      version: VERSION,
      bootID,
      entries: {},
      foreign: { revision: '', deviations: [] },
    };
    return new Ledger(file, files, found?.bootID === bootID ? found : fresh, text ?? JSON.stringify(fresh));
  }

  /** Every entry by name; a copy. */
  entries(): Map<string, LedgerEntry> {
    return new Map(this.#entries);
  }

  /** Original values by name, for the status. */
  originals(): Record<string, string> {
    return Object.fromEntries([...this.#entries].map(([name, { original }]) => [name, original]));
  }

  set(name: string, entry: LedgerEntry): void {
    this.#entries.set(name, entry);
    this.#touched = true;
  }

  delete(name: string): void {
    if (this.#entries.delete(name)) this.#touched = true;
  }

  /** What was found foreign while going to this revision; survives a restart of the agent. */
  foreign(revision: string): readonly Deviation[] {
    return this.#foreign.revision === revision ? this.#foreign.deviations : [];
  }

  /** Adds to what is told of this revision; what was told of another one is over. */
  addForeign(revision: string, found: readonly Deviation[]): void {
    const before = this.foreign(revision);
    if (found.length === 0 && before.length === this.#foreign.deviations.length) return;
    this.#foreign = { revision, deviations: [...before, ...found] };
    this.#touched = true;
  }

  /** On disk when it returns; does nothing when nothing changed. Throws LedgerUnreadable when the disk does not take it. */
  save(): void {
    if (!this.#touched) return;
    const text = this.#text();
    try {
      if (text !== this.#saved) this.#files.write(this.#file, text);
    } catch (error) {
      throw unreadable(
        `${this.#file} cannot be written: no sysctl is changed until it can (${messageOf(error)})`,
        error,
      );
    }
    this.#saved = text;
    this.#touched = false;
  }

  #text(): string {
    const content: LedgerFile = {
      version: VERSION,
      bootID: this.#bootID,
      entries: Object.fromEntries(this.#entries),
      foreign: this.#foreign,
    };
    return JSON.stringify(content);
  }
}
