import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Outcome } from '../../../operator/agent/enforcer.ts';
import type { NamedRevision } from '../../../operator/agent/revisions.ts';
import type { Answer, Command } from './protocol.ts';

const DRIVER = fileURLToPath(new URL('driver.ts', import.meta.url));
/** The namespaces that hold the values which these tests change; mount, so that nothing is mounted outside. */
const KINDS = ['--net', '--ipc', '--uts', '--mount'];

export const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write('!!! KERNEL SUITE SKIPPED: it needs root to make namespaces\n');

/** Ends with a SIGKILL of its own when it was told to. */
export class Killed extends Error {}

/** One life of the agent. */
export class AgentProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #errors: string[] = [];

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    const lines: Interface = createInterface({ input: child.stdout });
    this.#lines = lines[Symbol.asyncIterator]();
    child.stderr.on('data', (chunk: Buffer) => this.#errors.push(chunk.toString()));
    // The pipe of a killed process.
    child.stdin.on('error', () => {});
  }

  async ask(command: Command): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await this.#lines.next();
    if (!done) return JSON.parse(value) as Answer;
    const text = this.#errors.join('');
    throw text === '' ? new Killed() : new Error(text);
  }

  async apply(
    revision: NamedRevision,
  ): Promise<Outcome & { effects: string[]; originals: Record<string, string> }> {
    return whole(await this.ask({ do: 'apply', revision }));
  }

  async sweep(): Promise<Outcome & { effects: string[]; originals: Record<string, string> }> {
    return whole(await this.ask({ do: 'sweep' }));
  }

  async read(name: string): Promise<string> {
    return (await this.ask({ do: 'read', name })).value ?? '';
  }

  async foreign(name: string, value: string): Promise<void> {
    await this.ask({ do: 'foreign', name, value });
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

function whole({ outcome, effects = [], originals = {} }: Answer) {
  if (!outcome) throw new Error('no revision was applied');
  return { ...outcome, effects, originals };
}

/** Network, IPC, UTS and mount namespaces of their own, that agents come and go in; the machine's own values are never touched. */
export class Namespaces {
  readonly folder: string;
  readonly #holder: ChildProcessWithoutNullStreams;
  readonly #agents: AgentProcess[] = [];

  private constructor(folder: string, holder: ChildProcessWithoutNullStreams) {
    this.folder = folder;
    this.#holder = holder;
  }

  static async make(): Promise<Namespaces> {
    const folder = await mkdtemp(join(tmpdir(), 'sysctl-operator-kernel-'));
    // Ends with its stdin, so also when the test is killed.
    const holder = spawn('unshare', [
      ...KINDS,
      '--propagation',
      'private',
      'sh',
      '-c',
      'echo ready; exec cat',
    ]);
    await once(holder.stdout, 'data');
    return new Namespaces(folder, holder);
  }

  /** Starts an agent; `killAt`: before which effect it ends itself, from 1. */
  agent(options: { killAt?: number; bootID?: string } = {}): AgentProcess {
    const driver = [DRIVER, this.folder, String(options.killAt ?? 0), options.bootID ?? ''];
    const enter = ['--target', String(this.#holder.pid), ...KINDS];
    const child = spawn('nsenter', [...enter, '--', process.execPath, ...driver], {
      cwd: '/',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const agent = new AgentProcess(child);
    this.#agents.push(agent);
    return agent;
  }

  ledger(): Promise<string> {
    return readFile(join(this.folder, 'ledger.json'), 'utf8');
  }

  async writeLedger(text: string): Promise<void> {
    await writeFile(join(this.folder, 'ledger.json'), text);
  }

  async remove(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.kill()));
    this.#holder.stdin.end();
    if (this.#holder.exitCode === null) await once(this.#holder, 'exit');
    await rm(this.folder, { recursive: true, force: true });
  }
}
