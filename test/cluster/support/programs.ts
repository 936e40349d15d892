import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../../operator/main.ts', import.meta.url));

/** One role of the operator as a process of its own, as in its pod. */
export class Program {
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #gone: Promise<number | NodeJS.Signals>;

  /** Ends with this process even when that is killed: setpriv (util-linux) asks the kernel for it. */
  constructor(role: 'manager' | 'agent', folder: string, env: Record<string, string>, name: string = role) {
    this.#log = join(folder, `${name}.log`);
    const log = openSync(this.#log, 'w');
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, main, role], {
      stdio: ['ignore', log, log],
      env: { PATH: process.env['PATH'], ...env },
    });
    closeSync(log);
    this.#gone = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => resolve(signal ?? code ?? 0));
    });
    this.#gone.catch(() => {});
  }

  /** What it has written to its log. */
  get log(): string {
    return readFileSync(this.#log, 'utf8');
  }

  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** As the kubelet ends a container; resolves with how it ended: 0 when it ended by itself and well. */
  async stop(): Promise<number | NodeJS.Signals> {
    this.#child.kill('SIGTERM');
    return this.#gone;
  }
}
