import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Probe } from './prober.ts';

const PROBER = fileURLToPath(new URL('prober.ts', import.meta.url));
export type Kind = 'net' | 'ipc' | 'uts' | 'pid' | 'user';
/** The process that looks has to be forked into a pid namespace, and to see its own /proc; root of a user namespace is whoever made it. */
const FLAGS: Record<Kind, string[]> = {
  net: ['--net'],
  ipc: ['--ipc'],
  uts: ['--uts'],
  pid: ['--pid', '--fork', '--kill-child', '--mount-proc'],
  user: ['--user', '--map-root-user'],
};

/** Namespaces with a process in them that reads and writes sysctls; the process, and with it the namespaces, end with the test's. */
export class Place {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #enter: readonly string[];
  readonly #inner: Place[] = [];

  private constructor(child: ChildProcessWithoutNullStreams, kinds: readonly Kind[]) {
    this.#child = child;
    const enter = kinds
      .filter((kind) => kind === 'net' || kind === 'ipc' || kind === 'uts')
      .map((kind) => `--${kind}`);
    this.#enter = enter.length > 0 ? ['nsenter', '--target', String(child.pid), ...enter] : [];
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.pipe(process.stderr);
    // The pipe of a process that ended.
    child.stdin.on('error', () => {});
  }

  static async #make(prefix: readonly string[], kinds: readonly Kind[]): Promise<Place> {
    const unshare = kinds.length > 0 ? ['unshare', ...kinds.flatMap((kind) => FLAGS[kind])] : [];
    const [command, ...args] = [...prefix, ...unshare, process.execPath, PROBER];
    const child = spawn(command, args, { cwd: '/', env: { ...process.env, NODE_OPTIONS: '', LC_ALL: 'C' } });
    const place = new Place(child, kinds);
    await place.#answers();
    return place;
  }

  /** The namespaces of this process: the machine's own. */
  static host(): Promise<Place> {
    return Place.#make([], []);
  }

  /** New namespaces that this process makes. */
  static fresh(...kinds: Kind[]): Promise<Place> {
    return Place.#make([], kinds);
  }

  /** New namespaces that a process of this place makes: its children. Not out of pid or user namespaces. */
  async inside(...kinds: Kind[]): Promise<Place> {
    const place = await Place.#make(this.#enter, kinds);
    this.#inner.push(place);
    return place;
  }

  async ask(...probes: Probe[]): Promise<string[]> {
    this.#child.stdin.write(`${JSON.stringify(probes)}\n`);
    return this.#answers();
  }

  async get(name: string): Promise<string> {
    return (await this.ask(['get', name]))[0] ?? '';
  }

  /** Writes the value and a newline; "OK" or the error's name. */
  async put(name: string, value: string): Promise<string> {
    return (await this.ask(['put', name, `${value}\n`]))[0] ?? '';
  }

  /** What the write said, and what is live after it. */
  async puts(name: string, value: string): Promise<[said: string, live: string]> {
    const [said = '', live = ''] = await this.ask(['put', name, `${value}\n`], ['get', name]);
    return [said, live];
  }

  async sh(script: string): Promise<string> {
    return (await this.ask(['sh', script]))[0] ?? '';
  }

  async close(): Promise<void> {
    await Promise.all(this.#inner.map((place) => place.close()));
    this.#child.stdin.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }

  async #answers(): Promise<string[]> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the process in the namespaces ended: see what it said above');
    return JSON.parse(value) as string[];
  }
}

/** All places of a test file; afterEach closes them. */
export class Places {
  readonly #open: Place[] = [];

  async host(): Promise<Place> {
    return this.#keep(await Place.host());
  }

  async fresh(...kinds: Kind[]): Promise<Place> {
    return this.#keep(await Place.fresh(...kinds));
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((place) => place.close()));
  }

  #keep(place: Place): Place {
    this.#open.push(place);
    return place;
  }
}
