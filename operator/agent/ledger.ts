import type { RemovalPolicy } from '../api/profile.ts';
import type { Deviation } from '../api/state.ts';
import { OperatorError } from '../errors.ts';
import { readIfPresent, writeDurably } from './durable-file.ts';

export interface LedgerEntry {
  /** What was there before the first write of this program, since the machine booted. */
  original: string;
  /** What was, or is about to be, written. */
  written: string;
  /** What this program had written before that; live when it was killed between the ledger and the kernel. */
  previous?: string;
  removal: RemovalPolicy;
  /** Values of keys that a write of this one sets to 0 (vm.dirty_bytes and vm.dirty_ratio), by name. */
  coupled?: Record<string, string>;
}

interface LedgerFile {
  version: 1;
  bootID: string;
  entries: Record<string, LedgerEntry>;
  /** Values that were found to be somebody else's when they should have been put back; until the next revision. */
  foreign: Deviation[];
}

const VERSION = 1;
const HELP = 'no sysctl is changed until it is mended; see docs/troubleshooting.md';

function parse(file: string, text: string): LedgerFile {
  let content: Partial<LedgerFile>;
  try {
    content = JSON.parse(text) as Partial<LedgerFile>;
  } catch (error) {
    throw new OperatorError('LedgerUnreadable', `${file} is cut or not JSON: the original values cannot be known; ${HELP}`, { cause: error });
  }
  if (content.version !== VERSION)
    throw new OperatorError('LedgerUnreadable', `${file} has version ${String(content.version)}, this agent writes ${VERSION}; ${HELP}`);
  if (typeof content.bootID !== 'string' || typeof content.entries !== 'object' || content.entries === null)
    throw new OperatorError('LedgerUnreadable', `${file} lacks bootID or entries; ${HELP}`);
  return { version: VERSION, bootID: content.bootID, entries: content.entries, foreign: content.foreign ?? [] };
}

/**
 * The write-ahead ledger: what every key was before the first write, on disk before that write. A reboot resets all values, so entries of
 * another boot are dropped: what is found then is the new original.
 */
export class Ledger {
  readonly #file: string;
  #content: LedgerFile;
  #saved: string;

  private constructor(file: string, content: LedgerFile, saved: string) {
    this.#file = file;
    this.#content = content;
    this.#saved = saved;
  }

  /** Throws LedgerUnreadable when the file is there but cannot be understood: then nobody may guess. */
  static open(file: string, bootID: string): Ledger {
    const text = readIfPresent(file);
    const fresh: LedgerFile = { version: VERSION, bootID, entries: {}, foreign: [] };
    if (text === undefined) return new Ledger(file, fresh, '');
    const content = parse(file, text);
    return content.bootID === bootID ? new Ledger(file, content, text) : new Ledger(file, fresh, text);
  }

  get(name: string): LedgerEntry | undefined {
    return this.#content.entries[name];
  }

  names(): string[] {
    return Object.keys(this.#content.entries);
  }

  get foreign(): readonly Deviation[] {
    return this.#content.foreign;
  }

  /** Original values by name, for the status. */
  originals(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.#content.entries).map(([name, { original }]) => [name, original]));
  }

  set(name: string, entry: LedgerEntry): void {
    this.#content.entries[name] = entry;
  }

  delete(name: string): void {
    delete this.#content.entries[name];
  }

  setForeign(foreign: Deviation[]): void {
    this.#content.foreign = foreign;
  }

  /** On disk when it returns; does nothing when nothing changed. */
  save(): void {
    const text = JSON.stringify(this.#content);
    if (text === this.#saved) return;
    writeDurably(this.#file, text);
    this.#saved = text;
  }
}
