import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parseFlags, type KubeletFlags } from './flags.ts';

export interface KubeletProcess {
  pid: number;
  /** In clock ticks since boot: with the pid, a process's identity. */
  startTime: string;
  flags: KubeletFlags;
  cwd: string;
  /** The systemd unit whose cgroup it is in. */
  unit: string | undefined;
  /** It sees the same files as process 1 does, so that its paths are the node's. */
  onNode: boolean;
}

/** Programs with a kubelet inside: nothing of the kubelet's own is there to be configured or restarted. */
const ALL_IN_ONE: Record<string, string> = {
  k3s: 'k3s',
  'k3s-server': 'k3s',
  'k3s-agent': 'k3s',
  kubelite: 'MicroK8s',
};

export interface Processes {
  kubelets: KubeletProcess[];
  /** Names of the distributions found that have the kubelet inside another program. */
  allInOne: string[];
}

const text = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

const link = (path: string): string | undefined => {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
};

/** Parent and start time, fields 4 and 22 of proc_pid_stat(5); the command in brackets may hold spaces and brackets. */
function statOf(proc: string, pid: number): { parent: number; startTime: string | undefined } {
  const stat = text(join(proc, String(pid), 'stat')) ?? '';
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), startTime: fields[19] };
}

/** The last path component that is a service, of any cgroup hierarchy (v2: one line; v1: name=systemd). */
function unitOf(cgroups: string): string | undefined {
  const lines = cgroups.trim().split('\n');
  const line = lines.find((l) => l.includes('name=systemd')) ?? lines.find((l) => l.startsWith('0::')) ?? '';
  return line
    .split('/')
    .toReversed()
    .find((part) => part.endsWith('.service'));
}

/** Still the same process. */
export const isAlive = (proc: string, { pid, startTime }: KubeletProcess): boolean =>
  statOf(proc, pid).startTime === startTime;

/** The kubelets among the processes that are in the same PID namespace as process 1: another one belongs to another node inside this one. */
export function findProcesses(proc: string): Processes {
  const found: Processes = { kubelets: [], allInOne: [] };
  const namespace = link(join(proc, '1/ns/pid'));
  const mounts = link(join(proc, '1/ns/mnt'));
  const parents = new Map<number, number>();
  for (const entry of readdirSync(proc)) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const comm = text(join(proc, entry, 'comm'))?.trim() ?? '';
    if (comm !== 'kubelet' && !(comm in ALL_IN_ONE)) continue;
    if (link(join(proc, entry, 'ns/pid')) !== namespace) continue;
    const distribution = ALL_IN_ONE[comm];
    if (distribution !== undefined) {
      if (!found.allInOne.includes(distribution)) found.allInOne.push(distribution);
      continue;
    }
    const args = (text(join(proc, entry, 'cmdline')) ?? '').split('\0').slice(0, -1);
    const { parent, startTime } = statOf(proc, pid);
    // A process that is just ending has neither.
    if (args.length === 0 || startTime === undefined) continue;
    parents.set(pid, parent);
    found.kubelets.push({
      pid,
      startTime,
      flags: parseFlags(args.slice(1)),
      cwd: link(join(proc, entry, 'cwd')) ?? '/',
      unit: unitOf(text(join(proc, entry, 'cgroup')) ?? ''),
      onNode: link(join(proc, entry, 'ns/mnt')) === mounts,
    });
  }
  // What a kubelet is about to run (mount, ip6tables) has the kubelet's name and command line between fork and exec.
  found.kubelets = found.kubelets.filter(({ pid }) => !parents.has(parents.get(pid) ?? 0));
  return found;
}
