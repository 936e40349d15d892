import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { procPath } from '../../operator/sysctl/names.ts';

/** Runs inside the node's network namespace; tells on the machine's monotonic clock when the values change. */
const PROGRAM = `
const { openSync, readSync } = require('node:fs');
const files = process.argv.slice(1).map((file) => openSync(file, 'r'));
const buffer = Buffer.alloc(256);
let last = '';
setInterval(() => {
  const values = files.map((fd) => buffer.toString('utf8', 0, readSync(fd, buffer, 0, 256, 0)).trim()).join(',');
  if (values !== last) console.log(values + ' ' + Number(process.hrtime.bigint()) / 1e6);
  last = values;
}, 1);`;

/** The machine's monotonic clock, in ms. */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Looks every millisecond at sysctls in the network namespace of a process. */
export class ValuesWatcher {
  readonly #child: ChildProcess;
  readonly #seen = new Map<string, number>();
  #waiting: { values: string; resolve: (at: number) => void } | undefined;

  constructor(pid: number, names: readonly string[]) {
    const files = names.map((name) => `/proc/sys/${procPath(name)}`);
    const args = ['-t', String(pid), '-n', process.execPath, '-e', PROGRAM, ...files];
    const child = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    createInterface(child.stdout).on('line', (line) => {
      const [values = '', at] = line.split(' ');
      this.#seen.set(values, Number(at));
      if (this.#waiting?.values === values) this.#waiting.resolve(Number(at));
    });
  }

  /** When all had these values for the first time since the last call; rejects after `ms`. */
  async until(values: readonly (string | number)[], ms = 30_000): Promise<number> {
    const wanted = values.join(',');
    const seen = this.#seen.get(wanted);
    const at =
      seen ??
      (await new Promise<number>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`not live after ${ms} ms: ${wanted}`)), ms);
        this.#waiting = { values: wanted, resolve: (when) => (clearTimeout(timer), resolve(when)) };
      }));
    this.#waiting = undefined;
    this.#seen.clear();
    return at;
  }

  close(): void {
    this.#child.kill();
  }
}
