import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What the components change for the whole machine: the kubelet at every start, and systemd as process 1 of a node. */
const CHANGED = [
  'kernel/panic',
  'kernel/panic_on_oops',
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
  'fs/file-max',
  'fs/nr_open',
];

interface Note {
  /** A note of an earlier boot says nothing about this one. */
  boot: string;
  values: Record<string, string>;
}

/** The machine's values from before the first cluster. */
export class MachineSysctls {
  readonly #note: string;
  readonly #root: string;

  /** `note` is the file that keeps the values; `root` is /proc/sys. */
  constructor(note: string, root = '/proc/sys') {
    this.#note = note;
    this.#root = root;
  }

  #read(key: string): string | undefined {
    try {
      return readFileSync(join(this.#root, key), 'utf8').trim();
    } catch {
      return undefined;
    }
  }

  #saved(): Note | undefined {
    if (!existsSync(this.#note)) return undefined;
    const note = JSON.parse(readFileSync(this.#note, 'utf8')) as Note;
    return note.boot === this.#read('kernel/random/boot_id') ? note : undefined;
  }

  /** Notes the values before the first cluster changes them; a later cluster finds the note and leaves it. */
  save(): void {
    if (this.#saved()) return;
    const values = Object.fromEntries(
      CHANGED.flatMap((key) => (this.#read(key) === undefined ? [] : [[key, this.#read(key) ?? '']])),
    );
    mkdirSync(dirname(this.#note), { recursive: true });
    writeFileSync(
      this.#note,
      JSON.stringify({ boot: this.#read('kernel/random/boot_id') ?? '', values } satisfies Note),
    );
  }

  /** Puts back what differs; called when the last cluster goes. Returns the keys that were put back. */
  restore(): string[] {
    const values = Object.entries(this.#saved()?.values ?? {});
    const differing = values.filter(([key, value]) => this.#read(key) !== value);
    for (const [key, value] of differing) writeFileSync(join(this.#root, key), `${value}\n`);
    rmSync(this.#note, { force: true });
    return differing.map(([key]) => key);
  }
}
