import { readFileSync } from 'node:fs';

/** Clock ticks per second of /proc/PID/stat: USER_HZ, which is 100 on every architecture that Linux still has. */
const TICKS = 100;

const statusOf = (pid: number, proc = '/proc'): string => readFileSync(`${proc}/${pid}/status`, 'utf8');

const kib = (status: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN);

/** Resident and anonymous memory of a process, in MiB (proc_pid_status(5)). */
export function memoryOf(pid: number, proc?: string): { rss: number; anonymous: number; peak: number } {
  const status = statusOf(pid, proc);
  const mib = (field: string): number => kib(status, field) / 1024;
  return { rss: mib('VmRSS'), anonymous: mib('RssAnon'), peak: mib('VmHWM') };
}

/** CPU time of a process so far, user and system, in ms; steps of 10 (proc_pid_stat(5)). */
export function cpuOf(pid: number, proc = '/proc'): number {
  const stat = readFileSync(`${proc}/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}
