import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** The files that the agent keeps on its node: replaced whole or not at all. */
export interface DurableFiles {
  /** The content, or undefined where there is no such file. */
  read(file: string): string | undefined;
  /** On disk when it returns. */
  write(file: string, content: string): void;
}

/**
 * Replaces a file so that after a crash at any point either the old or the new content is there, whole: temporary file, fsync,
 * rename, fsync of the folder (without the last one the rename itself may be lost).
 */
export function writeDurably(
  file: string,
  content: string,
  {
    mode = 0o600,
    prepare,
  }: { mode?: number; /** Runs on the temporary file. */ prepare?: (temporary: string) => void } = {},
): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const temporary = `${file}.tmp`;
  try {
    const fd = openSync(temporary, 'w', mode);
    try {
      const bytes = Buffer.from(content);
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      prepare?.(temporary);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, file);
  } catch (error) {
    discard(temporary);
    throw error;
  }
  syncFolder(folder);
}

/** What was half-written takes space where there is none. Never throws: why it was half-written is what counts. */
function discard(temporary: string): void {
  try {
    rmSync(temporary, { force: true });
  } catch {
    // It is written over the next time.
  }
}

/** Takes a file away so that it stays away after a crash. */
export function removeDurably(file: string): void {
  rmSync(file, { force: true });
  syncFolder(dirname(file));
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The content, or undefined where there is no such file. */
export function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export const durableFiles: DurableFiles = { read: readIfPresent, write: writeDurably };
