import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

const PROGRAM = `
const { openSync, readSync } = require('node:fs');
const [file, wanted] = process.argv.slice(1);
const fd = openSync(file);
const bytes = Buffer.alloc(4096);
console.log('ready');
const look = setInterval(() => {
  if (bytes.toString('latin1', 0, readSync(fd, bytes, 0, 4096, 0)).trim() !== wanted) return;
  console.log(Number(process.hrtime.bigint()) / 1e6);
  clearInterval(look);
}, 1);`;

/** On the monotonic clock that all processes of the machine share, in ms. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Looks every millisecond, in namespaces, until a file has the wanted value. */
export class WatchedValue {
  readonly ready: Promise<void>;
  /** When it had it. */
  readonly reached: Promise<number>;
  readonly #child: ChildProcess;

  constructor(through: readonly [string, ...string[]], file: string, wanted: string) {
    const [program, ...args] = through;
    const child = spawn(program, [...args, process.execPath, '-e', PROGRAM, file, wanted], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    const ready = (async () => void (await next()))();
    this.ready = ready;
    this.reached = (async () => {
      await ready;
      return Number(await next());
    })();
  }

  close(): void {
    this.#child.kill();
  }
}
