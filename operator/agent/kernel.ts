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

/** /proc/sys. A file is read through a descriptor that stays open (0.5 µs instead of 5) and written through a fresh one. */
export class ProcSys implements KernelParameters {
  readonly #root: string;
  readonly #held = new Map<string, number>();
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
        return this.#pread(held);
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
    let fd: number | undefined;
    try {
      // Without O_CREAT: a key that this kernel does not have is ENOENT, not a file to be made.
      fd = openSync(this.#path(name), constants.O_WRONLY | constants.O_TRUNC);
      const written = writeSync(fd, bytes, 0, bytes.length, 0);
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
    } finally {
      if (fd !== undefined) closeSync(fd);
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
    const fd = openSync(this.#path(name), 'r');
    try {
      const value = this.#pread(fd);
      if (this.#wanted.has(name)) this.#held.set(name, fd);
      return value;
    } finally {
      if (this.#held.get(name) !== fd) closeSync(fd);
    }
  }

  #pread(fd: number): string {
    const count = readSync(fd, this.#buffer, 0, this.#buffer.length, 0);
    return this.#buffer.toString('utf8', 0, count).trimEnd();
  }

  #release(name: string): void {
    const fd = this.#held.get(name);
    this.#held.delete(name);
    if (fd !== undefined) closeSync(fd);
  }
}
