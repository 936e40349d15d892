import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stepName, stepsOf, type Step } from './steps.ts';

const PRELOAD = fileURLToPath(new URL('preload.ts', import.meta.url));
const MAIN = fileURLToPath(new URL('../../operator/main.ts', import.meta.url));

export interface LifeOptions {
  role: 'manager' | 'agent';
  /** For its logs. */
  folder: string;
  /** Tells lives in one folder apart. */
  name: string;
  env: Record<string, string>;
  /** Before which step it is killed; it lives on without one. */
  end?: Step | undefined;
  /** What starts it, such as nsenter with its arguments. */
  through?: readonly string[];
}

/** One life of the operator's program, whose effects are counted: from its start until it is killed or stopped. */
export class Life {
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #steps: string;
  readonly #gone: Promise<number | NodeJS.Signals>;
  #ended: number | NodeJS.Signals | undefined;

  /** Ends with this process even when that is killed: setpriv (util-linux) asks the kernel for it. */
  constructor({ role, folder, name, env, end, through = [] }: LifeOptions) {
    this.#log = join(folder, `${name}.log`);
    this.#steps = join(folder, `${name}.steps`);
    const log = openSync(this.#log, 'w');
    const program = [process.execPath, '--import', PRELOAD, MAIN, role];
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', ...through, ...program], {
      stdio: ['ignore', log, log],
      cwd: '/',
      env: {
        PATH: process.env['PATH'],
        ...env,
        // A walk starts hundreds of them.
        NODE_COMPILE_CACHE: join(folder, 'compiled'),
        WALK_LOG: this.#steps,
        ...(end && { WALK_KILL: stepName(end) }),
      },
    });
    closeSync(log);
    this.#gone = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => resolve((this.#ended = signal ?? code ?? 0)));
    });
    this.#gone.catch(() => {});
  }

  /** How it ended; undefined while it runs. */
  get ended(): number | NodeJS.Signals | undefined {
    return this.#ended;
  }

  get log(): string {
    return readFileSync(this.#log, 'utf8');
  }

  /** Every effect so far, oldest first; of a killed one the last was not done any more. */
  get steps(): Step[] {
    return existsSync(this.#steps) ? stepsOf(readFileSync(this.#steps, 'utf8')) : [];
  }

  /** The effects that were done. */
  get done(): string[] {
    const effects = this.steps.map(({ effect }) => effect);
    return this.#ended === 'SIGKILL' ? effects.slice(0, -1) : effects;
  }

  /** As the kubelet ends a container; resolves with how it ended. */
  async stop(): Promise<number | NodeJS.Signals> {
    if (this.#ended === undefined) this.#child.kill('SIGTERM');
    return this.#gone;
  }
}
