import { Cluster, Redis } from 'ioredis';
import type { RedisSettings } from './redis-settings.ts';

/** What differs between the two ends of a queue. */
export interface ConnectionOptions {
  maxRetriesPerRequest: number | null;
  enableOfflineQueue?: boolean;
}

/** One connection; to a cluster of servers, one to each of them. */
export type RedisClient = Redis | Cluster;

/** Where the queues live, and how to connect to it. */
export interface RedisServer {
  connect(options: ConnectionOptions): RedisClient;
  close(): Promise<void>;
}

const CONNECT_MS = 5_000;
/** A server that owes an answer for so long is taken for gone. Longer than the longest wait of a worker for a job, which is 10 s. */
const SILENT_MS = 20_000;

const retryMs = (times: number): number => Math.min(50 * 2 ** times, 2_000) * (0.75 + Math.random() / 2);

/** A server that has become a replica refuses writes; its successor is found by connecting again. 2: then the command is sent again. */
const movedAway = (error: Error): 2 | false => (error.message.includes('READONLY') ? 2 : false);

/** What all connections have in common. */
export const connectionOptions = ({ maxRetriesPerRequest }: ConnectionOptions) => ({
  maxRetriesPerRequest,
  connectTimeout: CONNECT_MS,
  socketTimeout: SILENT_MS,
  reconnectOnError: movedAway,
});

/** A Redis or Valkey that the user runs: one server, one behind Sentinels, or a cluster. */
export function externalRedis(settings: RedisSettings): RedisServer {
  return { connect: (options) => connect(settings, options), close: async () => {} };
}

function connect(settings: RedisSettings, options: ConnectionOptions): RedisClient {
  const { target, tls, sentinelUsername, sentinelPassword } = settings;
  const username = settings.username ?? target.username;
  const password = settings.password ?? target.password;
  const common = {
    ...connectionOptions(options),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls }),
  };
  const { enableOfflineQueue = true } = options;
  if (target.kind === 'cluster') {
    return new Cluster(target.nodes, {
      enableOfflineQueue,
      redisOptions: common,
      clusterRetryStrategy: retryMs,
      slotsRefreshTimeout: CONNECT_MS,
      // The servers' certificates are for the names that they announce, not for what these resolve to.
      ...(tls && { dnsLookup: (name: string, done: (e: null, address: string) => void) => done(null, name) }),
    });
  }
  const single = { ...common, enableOfflineQueue, retryStrategy: retryMs };
  if (target.kind === 'socket') return new Redis({ ...single, path: target.path });
  if (target.kind === 'server') return new Redis({ ...single, ...target.address, db: target.db });
  return new Redis({
    ...single,
    db: target.db,
    sentinels: target.sentinels,
    name: target.primary,
    // Without failoverDetector: one that hears of a failover while the client connects ends that client for ever (ioredis 6.0.0,
    // SentinelConnector.connect). Sentinel closes the old primary's connections itself when it makes a replica of it.
    sentinelRetryStrategy: retryMs,
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  });
}
