import { chmodSync, chownSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { messageOf } from '../../errors.ts';
import { removeDurably, writeDurably } from '../durable-file.ts';

const MAX_LINKS = 40;
/** Like every file of the kubelet's configuration. */
const NEW_MODE = 0o644;

export interface HostFile {
  text: string;
  mode: number;
  uid: number;
  gid: number;
}

const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Files of the node, by the node's own paths. The node's root is a folder here, so that an absolute symbolic link must be followed by hand. */
export class HostFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Where a path of the node is for this process, every symbolic link followed below the node's root. */
  locate(path: string): string {
    const rest = posix.normalize(path).split('/').filter(Boolean);
    let done: string[] = [];
    for (let links = 0; rest.length > 0;) {
      const name = rest.shift() ?? '';
      if (name === '..') done.pop();
      if (name === '..' || name === '.') continue;
      const target = this.#link([...done, name]);
      if (target === undefined) {
        done.push(name);
        continue;
      }
      if (++links > MAX_LINKS) throw new Error(`${path}: too many symbolic links`);
      if (posix.isAbsolute(target)) done = [];
      rest.unshift(...target.split('/').filter(Boolean));
    }
    return join(this.#root, ...done);
  }

  #link(parts: readonly string[]): string | undefined {
    const path = join(this.#root, ...parts);
    try {
      return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Undefined where there is no such file. Throws where its bytes are not UTF-8: it could not be given back as it was. */
  read(path: string): HostFile | undefined {
    const file = this.locate(path);
    try {
      const bytes = readFileSync(file);
      const text = bytes.toString('utf8');
      if (!Buffer.from(text).equals(bytes)) throw new Error(`${path} is not UTF-8`);
      const { mode, uid, gid } = statSync(file);
      return { text, mode: mode & 0o7777, uid, gid };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Replaces the file whole, with the owner and mode of the one given; a new one is for root alone to write. On disk when it returns. */
  write(path: string, text: string, like?: Omit<HostFile, 'text'>): void {
    const file = this.locate(path);
    const mode = like?.mode ?? NEW_MODE;
    writeDurably(file, text, {
      mode,
      prepare: (temporary) => {
        if (like) chownSync(temporary, like.uid, like.gid);
        chmodSync(temporary, mode);
      },
    });
  }

  /** Gone when it returns, also after a crash. */
  remove(path: string): void {
    removeDurably(this.locate(path));
  }

  /** Every file below a folder in the order in which the kubelet reads drop-ins: lexical in each folder (filepath.WalkDir). */
  walk(folder: string): string[] {
    const entries = readdirSync(this.locate(folder), { withFileTypes: true });
    // Go compares bytes, JavaScript UTF-16 units: for file names that anybody uses, the same.
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    return entries.flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      return entry.isDirectory() ? this.walk(path) : [path];
    });
  }

  /** Changes whenever one of the files changes, comes or goes. Costs one stat for each. */
  fingerprint(paths: readonly string[]): string {
    const one = (path: string): string => {
      try {
        const { ino, size, mtimeMs } = statSync(this.locate(path));
        return `${path} ${ino} ${size} ${mtimeMs}`;
      } catch (error) {
        return `${path} ${(error as NodeJS.ErrnoException).code ?? messageOf(error)}`;
      }
    };
    return paths.map(one).join('\n');
  }
}
