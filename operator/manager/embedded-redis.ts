import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { OperatorError } from '../errors.ts';
import type { Log } from '../telemetry/log.ts';
import { connectionOptions, type ConnectionOptions, type RedisServer } from './redis.ts';

const onPath = (name: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/**
 * A redis-server or valkey-server of our own on a unix socket, without persistence: the queues hold work that the
 * next reconcile finds again. It is started again when it ends.
 */
export class EmbeddedRedis implements RedisServer {
  readonly #folder: string;
  readonly #program: string;
  readonly #log: Log;
  #child: ChildProcess | undefined;
  #closing = false;
  #supervised: Promise<void> = Promise.resolve();

  private constructor(folder: string, program: string, log: Log) {
    this.#folder = folder;
    this.#program = program;
    this.#log = log;
  }

  /** Throws Configuration when neither program is installed. */
  static async start(log: Log): Promise<EmbeddedRedis> {
    const program = ['valkey-server', 'redis-server'].find(onPath);
    if (!program)
      throw new OperatorError(
        'Configuration',
        'REDIS_URL is not set and neither valkey-server nor redis-server is installed',
      );
    const server = new EmbeddedRedis(await mkdtemp(join(tmpdir(), 'sysctl-operator-')), program, log);
    server.#supervised = server.#supervise();
    return server;
  }

  connect(options: ConnectionOptions): Redis {
    return new Redis({
      ...connectionOptions(options),
      ...options,
      path: join(this.#folder, 'redis.sock'),
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#child?.kill('SIGKILL');
    await this.#supervised;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #supervise(): Promise<void> {
    while (!this.#closing) {
      const code = await this.#run();
      if (this.#closing) return;
      this.#log.error('the embedded Redis ended and is started again', { program: this.#program, code });
      await sleep(500);
    }
  }

  #run(): Promise<number | string> {
    const args = ['--port', '0', '--unixsocket', join(this.#folder, 'redis.sock'), '--unixsocketperm', '700'];
    args.push('--dir', this.#folder, '--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction');
    const child = spawn(this.#program, args, { stdio: 'ignore' });
    this.#child = child;
    return new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? code ?? 0));
    });
  }
}
