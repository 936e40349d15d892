import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { makeCgroups } from './cgroups.ts';
import type { Layout } from './layout.ts';
import { MARK, notePid } from './processes.ts';
import { run, until } from './shell.ts';

/** The pid of the node's systemd, once `unshare` has forked it and it has become systemd. */
async function systemdOf(layout: Layout, node: string, unshare: ChildProcess): Promise<number> {
  let found: number | undefined;
  const log = join(layout.log, node, 'init.log');
  const check = async (): Promise<boolean> => {
    if (unshare.exitCode !== null) throw new Error(`${node} did not start:\n${readFileSync(log, 'utf8')}`);
    const children = await run('pgrep', ['-P', String(unshare.pid)]).catch(() => '');
    const pid = Number(children.trim().split('\n')[0]);
    if (!pid) return false;
    try {
      if (readlinkSync(`/proc/${pid}/exe`).endsWith('/systemd')) found = pid;
    } catch {
      return false;
    }
    return found !== undefined;
  };
  await until(check, 10_000, `${node} did not start; see ${log}`);
  return found ?? 0;
}

/** Starts the namespaces of a node and its systemd; resolves when that is process 1 there, with its pid noted. */
export async function boot(layout: Layout, node: string): Promise<void> {
  const logs = join(layout.log, node);
  mkdirSync(logs, { recursive: true });
  makeCgroups(layout, node);
  const log = openSync(join(logs, 'init.log'), 'w');
  const script = join(import.meta.dirname, 'node-init.sh');
  const flags = [
    '--mount',
    '--propagation',
    'private',
    '--net',
    '--ipc',
    '--uts',
    '--pid',
    '--fork',
    '--mount-proc',
  ];
  const child = spawn('unshare', [...flags, 'bash', script], {
    detached: true,
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      [MARK]: layout.dir,
      NODE: node,
      FOLDER: layout.nodeFolder(node),
      BIN: layout.bin,
      LOGS: logs,
      SYSTEM_CGROUP: layout.cgroups(node).system,
    },
  });
  child.unref();
  notePid(layout, node, await systemdOf(layout, node, child));
}
