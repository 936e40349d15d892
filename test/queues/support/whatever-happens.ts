/**
 * `node whatever-happens.ts SEED ROUNDS`: two replicas' queues on a Redis behind a proxy, faults of both, replicas that are replaced; after each
 * round of them work is added and must be done. Ends with 1 and one line when it is not. A process of its own: replicas that are closed while
 * Redis is away end with their process, as a manager does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkQueue } from '../../../operator/manager/queues.ts';
import { externalRedis } from '../../../operator/manager/redis.ts';
import { winstonLog } from '../../../operator/telemetry/winston-log.ts';
import { Random } from '../../faults/support/random.ts';
import { TcpProxy } from '../../faults/support/tcp-proxy.ts';
import { TestRedis } from './redis.ts';
import { until } from './until.ts';

/** A connection that goes silent for good is given up after 20 s. */
const RECOVERY_MS = 45_000;
const WHO = 'redis';

const [seed = '', rounds = ''] = process.argv.slice(2);
const random = new Random(Number(seed));
const redis = await TestRedis.start();
const proxy = await TcpProxy.listen({ host: '127.0.0.1', upstream: { path: redis.url }, whoIs: () => WHO });
const done = new Set<string>();

function replica(): WorkQueue {
  const address = { host: '127.0.0.1', port: proxy.port };
  return new WorkQueue({
    name: 'node-config',
    redis: externalRedis({ target: { kind: 'server', address, db: 0, tls: false } }),
    concurrency: 8,
    log: winstonLog('error'),
    handler: async (key) => {
      await sleep(20);
      done.add(key);
    },
  });
}

const replicas = [replica(), replica()];

/** A fault; resolves when it is over. */
async function fault(): Promise<void> {
  const what = random.weighted({
    reset: 4,
    stall: 3,
    'half-open': 2,
    refuse: 3,
    delay: 3,
    kill: 3,
    flush: 1,
    replace: 5,
  });
  const ms = random.int(500, 4000);
  const late = random.int(50, 700);
  const place = random.int(0, 1);
  if (what === 'reset') return proxy.reset(WHO);
  if (what === 'half-open') return proxy.halfOpen(WHO);
  if (what === 'flush') return void (await redis.command('FLUSHALL'));
  if (what === 'kill') {
    await redis.down();
    return redis.up();
  }
  if (what === 'replace') {
    const [old] = replicas.splice(place, 1, replica());
    void old?.close();
    return undefined;
  }
  if (what === 'delay') proxy.delay(WHO, late);
  else proxy[what](WHO);
  await sleep(ms);
  return proxy.restore(WHO);
}

const add = (queue: WorkQueue | undefined, keys: readonly string[]): Promise<void> =>
  queue?.add(keys).catch(() => {}) ?? Promise.resolve();

async function round(name: string): Promise<void> {
  const lasting: Promise<void>[] = [];
  for (let n = random.int(3, 9); n > 0; n--) {
    lasting.push(fault());
    for (const queue of replicas) void add(queue, [`before-${random.int(0, 20)}`]);
    await sleep(random.int(0, 900));
  }
  await Promise.all(lasting);
  const keys = Array.from({ length: 5 }, (_, i) => `${name}, ${i}`);
  const leader = replicas[random.int(0, 1)];
  await until(
    async () => {
      const left = keys.filter((key) => !done.has(key));
      await add(leader, left);
      await sleep(200);
      return keys.every((key) => done.has(key));
    },
    `the work of ${name}`,
    RECOVERY_MS,
  );
}

let status = 0;
try {
  for (let i = 0; i < Number(rounds); i++) await round(`round ${i}`);
} catch (error) {
  process.stdout.write(`${String(error)}\n`);
  status = 1;
} finally {
  await redis.close();
}
process.exit(status);
