import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { until } from './until.ts';

/** A port of the loopback that was free a moment ago; not above 55535, because a cluster's bus is 10000 higher. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await new Promise<number>((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen(20_000 + Math.floor(Math.random() * 12_000), '127.0.0.1', () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
      });
    }).catch(() => 0);
    if (port > 0) return port;
  }
}

/** Servers of one test in one temporary folder. They end with this process even when that is killed (setpriv of util-linux). */
export class Servers {
  readonly folder: string;
  readonly #children: ChildProcess[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Servers> {
    return new Servers(await mkdtemp(join(tmpdir(), 'queues-')));
  }

  /** Starts one with these arguments and resolves when it answers `options`. */
  async start(program: string, args: readonly string[], options: RedisOptions): Promise<ChildProcess> {
    const file = join(this.folder, `${this.#children.length}.log`);
    const log = openSync(file, 'w');
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args, '--dir', this.folder], {
      stdio: ['ignore', log, log],
      cwd: this.folder,
    });
    closeSync(log);
    this.#children.push(child);
    await until(
      () =>
        command(options, 'PING').then(
          () => true,
          () => false,
        ),
      `${program} answers`,
    ).catch((error: unknown) => {
      throw new Error(`${program} ${args.join(' ')}:\n${readFileSync(file, 'utf8').slice(-2000)}`, {
        cause: error,
      });
    });
    return child;
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map(kill));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** kill -9; resolves when it is gone. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

/** One command on a connection of its own. */
export async function command(options: RedisOptions, name: string, ...args: string[]): Promise<unknown> {
  const once: RedisOptions = { ...options, maxRetriesPerRequest: 0, retryStrategy: () => null };
  const client = new Redis(once as RedisOptions & { replyMapping?: never });
  client.on('error', () => {});
  try {
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}
