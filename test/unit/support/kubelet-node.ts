import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface ProcessDraft {
  comm?: string;
  args?: string[];
  parent?: number;
  startTime?: number;
  /** Name of its PID and of its mount namespace; those of process 1 where absent. */
  pidNamespace?: string;
  mountNamespace?: string;
  /** The whole of /proc/PID/cgroup. */
  cgroup?: string;
  cwd?: string;
}

const zeros = (count: number): string => Array.from({ length: count }, () => '0').join(' ');

/** A node in a temporary folder: a root with files and a /proc with processes. */
export class FakeNode {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-node-'));
  readonly root = join(this.#folder, 'root');
  readonly proc = join(this.#folder, 'proc');

  constructor() {
    mkdirSync(this.root);
    this.process(1, { comm: 'systemd', args: ['/sbin/init'], cgroup: '0::/init.scope\n' });
  }

  /** Where a path of the node is in the temporary folder. Links are not followed. */
  at(path: string): string {
    return join(this.root, path);
  }

  file(path: string, text: string | Buffer, mode = 0o644): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text, { mode });
  }

  folder(path: string): void {
    mkdirSync(this.at(path), { recursive: true });
  }

  link(path: string, target: string): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    symlinkSync(target, this.at(path));
  }

  unlink(path: string): void {
    rmSync(this.at(path), { recursive: true });
  }

  text(path: string): string | undefined {
    try {
      return readFileSync(this.at(path), 'utf8');
    } catch {
      return undefined;
    }
  }

  process(pid: number, draft: ProcessDraft): void {
    const { comm = 'kubelet', args = [comm], parent = 1, startTime = pid * 100, cwd = '/' } = draft;
    const folder = join(this.proc, String(pid));
    mkdirSync(join(folder, 'ns'), { recursive: true });
    const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
    write('comm', `${comm}\n`);
    write('cmdline', args.map((arg) => `${arg}\0`).join(''));
    // The command of a process may look like anything: proc_pid_stat(5).
    write('stat', `${pid} (${comm} :) S) S ${parent} ${zeros(17)} ${startTime} ${zeros(30)}\n`);
    write('cgroup', draft.cgroup ?? '0::/system.slice/kubelet.service\n');
    symlinkSync(draft.pidNamespace ?? 'pid:[1]', join(folder, 'ns/pid'));
    symlinkSync(draft.mountNamespace ?? 'mnt:[1]', join(folder, 'ns/mnt'));
    symlinkSync(cwd, join(folder, 'cwd'));
  }

  gone(pid: number): void {
    rmSync(join(this.proc, String(pid)), { recursive: true, force: true });
  }

  destroy(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
