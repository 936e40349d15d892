import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
const V2 = existsSync(join(ROOT, 'cgroup.controllers'));
const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');
const field = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:?\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);

export interface Figures {
  /** MiB, of all processes that run now: resident, and of it what no file is behind. */
  rss: number;
  anonymous: number;
  /** MiB that the cgroup is charged with, less the file pages that are cold: what the kubelet judges by. */
  workingSet: number;
  /** Ms since the cgroup was made, of children that have ended too. */
  cpuMs: number;
  /** Of all threads that run now. */
  switches: number;
}

/** A cgroup for one program and its children. */
export class Cgroup {
  readonly #folders: string[];
  readonly #memory: string;
  readonly #cpu: string;

  constructor(name: string) {
    const folder = (controller: string): string =>
      join(V2 ? ROOT : join(ROOT, controller), `sysctl-operator-bench-${process.pid}-${name}`);
    this.#memory = folder('memory');
    this.#cpu = folder('cpuacct');
    this.#folders = [...new Set([this.#memory, this.#cpu])];
    for (const path of this.#folders) mkdirSync(path);
  }

  /** What starts a command in there. */
  get through(): [string, ...string[]] {
    const enter = this.#folders.map((folder) => `echo $$ > ${folder}/cgroup.procs`).join(' && ');
    return ['sh', '-c', `${enter} && exec "$0" "$@"`];
  }

  get pids(): string[] {
    return read(this.#memory, 'cgroup.procs').split('\n').filter(Boolean);
  }

  figures(): Figures {
    const statuses = this.pids.flatMap((pid) => {
      try {
        return { whole: read('/proc', pid, 'status'), tasks: tasksOf(pid) };
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
    const mib = (name: string): number =>
      statuses.reduce((sum, { whole }) => sum + field(whole, name) / 1024, 0);
    const tasks = statuses.flatMap((one) => one.tasks);
    const count = (name: string): number => tasks.reduce((sum, task) => sum + field(task, name), 0);
    return {
      rss: mib('VmRSS'),
      anonymous: mib('RssAnon'),
      workingSet: this.#workingSet() / 2 ** 20,
      cpuMs: this.#cpuNs() / 1e6,
      switches: count('voluntary_ctxt_switches') + count('nonvoluntary_ctxt_switches'),
    };
  }

  /** Ends what runs in there, and takes it away. */
  async close(): Promise<void> {
    for (let i = 0; i < 100 && this.pids.length > 0; i++) {
      for (const pid of this.pids) kill(Number(pid));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    for (const folder of this.#folders) rmdirSync(folder);
  }

  #workingSet(): number {
    const stat = read(this.#memory, 'memory.stat');
    return V2
      ? Number(read(this.#memory, 'memory.current')) - field(stat, 'inactive_file')
      : Number(read(this.#memory, 'memory.usage_in_bytes')) - field(stat, 'total_inactive_file');
  }

  #cpuNs(): number {
    return V2
      ? field(read(this.#cpu, 'cpu.stat'), 'usage_usec') * 1000
      : Number(read(this.#cpu, 'cpuacct.usage'));
  }
}

const tasksOf = (pid: string): string[] =>
  readdirSync(`/proc/${pid}/task`).map((task) => read('/proc', pid, 'task', task, 'status'));

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
