import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const FORWARD = fileURLToPath(new URL('../../test/walk/forward.ts', import.meta.url));
const KINDS = ['--net', '--ipc', '--uts', '--mount'];
/** Whole numbers that the kernel keeps as they are written, of every interface and family. */
const NUMBERS = [
  'app_solicit',
  'gc_stale_time',
  'mcast_resolicit',
  'mcast_solicit',
  'proxy_qlen',
  'ucast_solicit',
  'unres_qlen',
];
const PER_INTERFACE = 2 * NUMBERS.length;
const run = promisify(execFile);

/** Network, IPC, UTS and mount namespaces of their own, with pairs of interfaces, thrown away at the end. */
export class Namespaces {
  readonly folder: string;
  /** Sysctls of these namespaces, as many as were asked for. */
  readonly names: readonly string[];
  readonly #door: Server;
  readonly #holder: ChildProcessWithoutNullStreams;

  private constructor(
    folder: string,
    names: readonly string[],
    door: Server,
    holder: ChildProcessWithoutNullStreams,
  ) {
    this.folder = folder;
    this.names = names;
    this.#door = door;
    this.#holder = holder;
  }

  /** `port` of 127.0.0.1 in there is the same outside. */
  static async make(keys: number, port = 1): Promise<Namespaces> {
    const folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-bench-'));
    const socket = join(folder, 'out.sock');
    const door = createServer((inside) => {
      const outside = connect(port, '127.0.0.1');
      inside.pipe(outside).pipe(inside);
      inside.on('error', () => outside.destroy());
      outside.on('error', () => inside.destroy());
    }).listen(socket);
    const own = ['--propagation', 'private', process.execPath, FORWARD, String(port), socket];
    const holder = spawn('unshare', [...KINDS, ...own]);
    await once(holder.stdout, 'data');
    const devices = Array.from({ length: Math.ceil(keys / PER_INTERFACE) }, (_, i) => `bench${i}`);
    const names = devices
      .flatMap((device) =>
        ['ipv4', 'ipv6'].flatMap((family) => NUMBERS.map((n) => `net.${family}.neigh.${device}.${n}`)),
      )
      .slice(0, keys);
    const made = new Namespaces(folder, names, door, holder);
    for (let i = 0; i < devices.length; i += 2)
      await made.run('ip', 'link', 'add', `bench${i}`, 'type', 'veth', 'peer', 'name', `bench${i + 1}`);
    return made;
  }

  /** What starts a command in there. */
  get through(): [string, ...string[]] {
    return ['nsenter', '--target', String(this.#holder.pid), ...KINDS, '--'];
  }

  async run(...command: string[]): Promise<string> {
    const [program, ...args] = this.through;
    return (await run(program, [...args, ...command], { maxBuffer: 64 << 20 })).stdout;
  }

  async close(): Promise<void> {
    this.#holder.stdin.end();
    if (this.#holder.exitCode === null) await once(this.#holder, 'exit');
    this.#door.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
