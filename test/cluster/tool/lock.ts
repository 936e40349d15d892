import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder } from './layout.ts';
import { startTime } from './processes.ts';
import { say } from './shell.ts';

const isAlive = (holder: string): boolean => {
  const [pid, started] = holder.trim().split(' ');
  return startTime(Number(pid)) === started;
};

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/** Creates the lock file whole or not at all: a file that is written after it was created could be read empty. */
function take(file: string): boolean {
  const own = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  writeFileSync(own, `${process.pid} ${startTime(process.pid)}\n`);
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * Runs `work` while holding a lock file, so that two commands do not change one cluster at the same time. A lock whose process is
 * gone is taken over. `waiting` is called once, with the holder's pid, when another process holds it.
 */
export async function locked<T>(
  file: string,
  work: () => Promise<T>,
  waiting: (pid: number) => void = () => {},
): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  let told = false;
  while (!take(file)) {
    const holder = read(file);
    if (holder === undefined) continue;
    if (!isAlive(holder)) {
      const stale = `${file}.stale.${process.pid}`;
      try {
        renameSync(file, stale);
      } catch {
        continue; // somebody else took it over
      }
      // What was renamed may be a lock that was taken over in between: it goes back.
      if (read(stale) !== holder) linkSync(stale, file);
      rmSync(stale, { force: true });
      continue;
    }
    if (!told) waiting(Number(holder.split(' ')[0]));
    told = true;
    await sleep(100);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** Holds one part of the cache (binaries, images), which clusters share. */
export const inCache = <T>(part: string, work: () => Promise<T>): Promise<T> =>
  locked(join(cacheFolder(), `${part}.lock`), work, (pid) =>
    say(`waiting for process ${pid}, which is making the ${part}`),
  );
