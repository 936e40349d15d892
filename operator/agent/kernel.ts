import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import { OperatorError } from '../errors.ts';
import { procPath } from '../sysctl/names.ts';

/** The kernel's answer to a read or write of a sysctl, for a person: which key, what was asked, errno. */
export class KernelError extends OperatorError {
  /** ENOENT, EINVAL, EACCES ...; "ESHORT" where the kernel took only part of a value. */
  readonly errno: string;

  constructor(errno: string, message: string, cause?: unknown) {
    super('KernelRefused', message, cause === undefined ? undefined : { cause });
    this.name = 'KernelError';
    this.errno = errno;
  }
}

/** Kernel parameters of this process's namespaces. Names with a dot as first separator. */
export interface KernelParameters {
  /** The live value without the newline; throws KernelError. */
  read(name: string): string;
  /**
   * Writes; throws KernelError with the kernel's errno. Returning is no proof: of "5 trailing" the kernel takes the 5 and says that it
   * took 2 bytes, but Node 24 (libuv) repeats a short write at offset 2 by itself, where the kernel swallows it. So the number of
   * values is checked before, and what is live is read back after.
   */
  write(name: string, value: string): void;
  /** Keeps files open for these names only. */
  hold(names: ReadonlySet<string>): void;
  bootID(): string;
  release(): string;
}

const errnoOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN';
const explain = (error: unknown): string => {
  const { errno, code } = error as NodeJS.ErrnoException;
  return errno === undefined ? String(error) : `${code}: ${getSystemErrorMessage(errno)}`;
};

/** What the kernel's parsers look at of one write (PAGE_SIZE - 1, kernel/sysctl.c); of more they take a part. */
const MAX_BYTES = 4095;

/**
 * Nearly every value is shorter. For a read the kernel clears as many bytes as are asked for (kvzalloc in proc_sys_call_handler): 64 KiB take
 * 9 µs.
 */
const USUAL_BYTES = 256;

/** A file that stays open. Not every file can be written, and not every one that can be read. */
interface Held {
  fd: number;
  writable: boolean;
}

/** /proc/sys. Files that are wanted stay open: a read takes 0.5 µs instead of 5, a write a third. */
export class ProcSys implements KernelParameters {
  readonly #root: string;
  readonly #held = new Map<string, Held>();
  readonly #wanted = new Set<string>();
  /** Of what is wanted. */
  readonly #paths = new Map<string, string>();
  readonly #buffer = Buffer.allocUnsafe(64 * 1024);
  #bootID: string | undefined;

  constructor(root = '/proc/sys') {
    this.#root = root;
  }

  read(name: string): string {
    const held = this.#held.get(name);
    if (held !== undefined) {
      try {
        return this.#pread(held.fd);
      } catch {
        // The key went with its device or module; it may be back as another file.
        this.#release(name);
      }
    }
    try {
      return this.#open(name);
    } catch (error) {
      if (error instanceof OperatorError && !(error instanceof KernelError)) throw error;
      const errno = errnoOf(error);
      const message =
        errno === 'ENOENT'
          ? `${name}: this kernel does not have it (ENOENT)`
          : `${name}: cannot be read (${explain(error)})`;
      throw new KernelError(errno, message, error);
    }
  }

  write(name: string, value: string): void {
    // With the newline: kernel.printk_devkmsg takes nothing else.
    const bytes = Buffer.from(`${value}\n`);
    if (bytes.length > MAX_BYTES)
      throw new KernelError(
        'E2BIG',
        `${name}: ${bytes.length} bytes are more than the kernel takes at once (${MAX_BYTES})`,
      );
    try {
      const written = this.#pwrite(name, bytes);
      if (written !== bytes.length)
        throw new KernelError(
          'ESHORT',
          `${name}: the kernel took ${written} of ${bytes.length} bytes of "${value}"`,
        );
    } catch (error) {
      if (error instanceof KernelError) throw error;
      throw new KernelError(
        errnoOf(error),
        `${name}: the kernel refused "${value}" (${explain(error)})`,
        error,
      );
    }
  }

  hold(names: ReadonlySet<string>): void {
    this.#wanted.clear();
    for (const name of names) this.#wanted.add(name);
    for (const name of this.#held.keys()) if (!names.has(name)) this.#release(name);
    for (const name of this.#paths.keys()) if (!names.has(name)) this.#paths.delete(name);
  }

  bootID(): string {
    return (this.#bootID ??= readFileSync(join(this.#root, 'kernel/random/boot_id'), 'utf8').trim());
  }

  release(): string {
    return release();
  }

  #path(name: string): string {
    const known = this.#paths.get(name);
    if (known !== undefined) return known;
    const path = join(this.#root, procPath(name));
    if (this.#wanted.has(name)) this.#paths.set(name, path);
    return path;
  }

  #open(name: string): string {
    const file = this.#wanted.has(name) ? this.#openBoth(name) : this.#openTo('r', name);
    let kept = false;
    try {
      const value = this.#pread(file.fd);
      kept = this.#wanted.has(name);
      if (kept) this.#held.set(name, file);
      return value;
    } finally {
      if (!kept) closeSync(file.fd);
    }
  }

  #openTo(flags: string | number, name: string): Held {
    return { fd: openSync(this.#path(name), flags), writable: flags !== 'r' };
  }

  #openBoth(name: string): Held {
    try {
      return this.#openTo('r+', name);
    } catch {
      return this.#openTo('r', name);
    }
  }

  /** Without O_CREAT: a key that this kernel does not have is ENOENT, not a file to be made. */
  #pwrite(name: string, bytes: Buffer): number {
    const held = this.#held.get(name);
    if (held?.writable) {
      try {
        return writeSync(held.fd, bytes, 0, bytes.length, 0);
      } catch (error) {
        // As in `read`; every other refusal is the kernel's answer.
        if (errnoOf(error) !== 'ENOENT') throw error;
        this.#release(name);
      }
    }
    const { fd } = this.#openTo(constants.O_WRONLY | constants.O_TRUNC, name);
    try {
      return writeSync(fd, bytes, 0, bytes.length, 0);
    } finally {
      closeSync(fd);
    }
  }

  #pread(fd: number): string {
    let count = readSync(fd, this.#buffer, 0, USUAL_BYTES, 0);
    if (count === USUAL_BYTES) count = readSync(fd, this.#buffer, 0, this.#buffer.length, 0);
    return this.#buffer.toString('utf8', 0, count).trimEnd();
  }

  #release(name: string): void {
    const held = this.#held.get(name);
    this.#held.delete(name);
    if (held) closeSync(held.fd);
  }
}
