import { spawn } from 'node:child_process';
import { openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Layout } from './layout.ts';

/** Marks every process that belongs to a cluster, so that `down` finds it even when its pid was never noted. */
export const MARK = 'SYSCTL_OPERATOR_CLUSTER';

/**
 * Start time in clock ticks since boot: tells a process from a later one with the same pid. undefined when there is none, or when it has
 * ended and its parent does not look.
 */
export function startTime(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ');
    return fields?.[0] === 'Z' ? undefined : fields?.[19];
  } catch {
    return undefined;
  }
}

const pidFile = (layout: Layout, name: string): string => join(layout.run, `${name}.pid`);

export function notePid(layout: Layout, name: string, pid: number): void {
  writeFileSync(pidFile(layout, name), `${pid} ${startTime(pid)}\n`);
}

/** The pid of a running process of the cluster; undefined when it is not running. */
export function pidOf(layout: Layout, name: string): number | undefined {
  try {
    const [pid, started] = readFileSync(pidFile(layout, name), 'utf8').trim().split(' ');
    return started !== undefined && startTime(Number(pid)) === started ? Number(pid) : undefined;
  } catch {
    return undefined;
  }
}

/** Starts a program of the cluster in the background unless it runs; its output goes to log/NAME.log. */
export function daemon(layout: Layout, name: string, args: readonly string[]): void {
  if (pidOf(layout, name) !== undefined) return;
  const log = openSync(join(layout.log, `${name}.log`), 'w');
  const env = { ...process.env, [MARK]: layout.dir };
  const child = spawn(join(layout.bin, name), args, { detached: true, stdio: ['ignore', log, log], env });
  if (child.pid !== undefined) notePid(layout, name, child.pid);
  child.unref();
}

export async function kill(layout: Layout, name: string): Promise<void> {
  const pid = pidOf(layout, name);
  if (pid !== undefined) await killAll([pid]);
  rmSync(pidFile(layout, name), { force: true });
}

/** Kills and waits until the processes are gone (at most 5 s). */
export async function killAll(pids: readonly number[]): Promise<void> {
  const before = pids.map((pid) => [pid, startTime(pid)] as const);
  for (const pid of pids)
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // gone already
    }
  for (
    let i = 0;
    i < 100 && before.some(([pid, started]) => started !== undefined && startTime(pid) === started);
    i++
  )
    await sleep(50);
}

/** Every process that carries the cluster's mark, whatever became of its pid file. */
export function marked(layout: Layout): number[] {
  const wanted = `${MARK}=${layout.dir}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(wanted);
      } catch {
        return false;
      }
    });
}
