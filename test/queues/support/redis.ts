import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { externalRedis, type RedisServer } from '../../../operator/manager/redis.ts';

/** A redis-server of a test on a unix socket, which can be killed, stopped and started again, empty. */
export class TestRedis {
  readonly #folder: string;
  #child: ChildProcess | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(): Promise<TestRedis> {
    const redis = new TestRedis(await mkdtemp(join(tmpdir(), 'queues-')));
    await redis.up();
    return redis;
  }

  get url(): string {
    return join(this.#folder, 'redis.sock');
  }

  /** What the queues of a manager get. */
  get server(): RedisServer {
    return externalRedis({ target: { kind: 'socket', path: this.url, tls: false } });
  }

  async up(): Promise<void> {
    const args = [
      '--port',
      '0',
      '--unixsocket',
      this.url,
      '--dir',
      this.#folder,
      '--save',
      '',
      '--appendonly',
      'no',
    ];
    this.#child = spawn('redis-server', args, { stdio: 'ignore' });
    await this.command('PING');
  }

  async down(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended;
  }

  /** Stops answering without closing a connection. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** One command on a connection of its own. */
  async command(name: string, ...args: string[]): Promise<unknown> {
    const client = new Redis(this.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
    client.on('error', () => {});
    try {
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  async close(): Promise<void> {
    await this.down();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
