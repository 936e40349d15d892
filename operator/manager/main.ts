import { LEASE_NAME, paths } from '../api/names.ts';
import { messageOf } from '../errors.ts';
import { ClientNodeApiServer } from '../kube/client-node-api-server.ts';
import { EventRecorder } from '../kube/events.ts';
import { LeaderElector } from '../kube/leader-election.ts';
import { PooledKubeConfig } from '../kube/pooled-kube-config.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { winstonLog } from '../telemetry/winston-log.ts';
import { Caches } from './caches.ts';
import { serve } from './http.ts';
import { Manager } from './manager.ts';
import { WorkQueue } from './queues.ts';
import { ReconcileLoop } from './reconciler.ts';
import { EmbeddedRedis, externalRedis } from './redis.ts';
import { managerSettings } from './settings.ts';

/** Everything is looked at again this often, whatever events say. */
const RESYNC_MS = 60_000;
/** A reconcile that takes longer than this hangs: the liveness probe fails. */
const WEDGED_MS = 120_000;

/** The manager: runs until the signal aborts, then closes everything within seconds. */
export async function runManager(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const settings = managerSettings(env);
  const log = winstonLog(settings.logLevel);
  const metrics = new Metrics();
  const config = new PooledKubeConfig();
  config.loadFromDefault();
  const api = new ClientNodeApiServer(config, (method, _path, status) =>
    metrics.requests.inc({ method, status: String(status) }),
  );
  const events = new EventRecorder({
    api,
    controller: 'sysctl-operator.dev/manager',
    instance: settings.podName,
    log,
  });
  const redis =
    settings.redisUrl === undefined ? await EmbeddedRedis.start(log) : externalRedis(settings.redisUrl);

  const caches = new Caches(api, settings.namespace, log, (kind, name) => {
    manager.changed(kind, name);
    loop.trigger();
  });
  const queue = (name: string, handler: (key: string, stop: AbortSignal) => Promise<void>): WorkQueue =>
    new WorkQueue({
      name,
      redis,
      handler,
      concurrency: settings.concurrency,
      log,
      onResult: (result) => metrics.jobs.inc({ queue: name, result }),
    });
  const nodeConfig = queue('node-config', (node, stop) => manager.configureNode(node, stop));
  const agentDaemonSet = queue('agent-daemonset', () => manager.applyDaemonSet());
  const queues = [nodeConfig, agentDaemonSet];
  const manager: Manager = new Manager({
    api,
    caches,
    nodeConfig,
    agentDaemonSet,
    events,
    metrics,
    log,
    settings,
  });
  const loop: ReconcileLoop = new ReconcileLoop(
    async () => {
      if (!caches.synced) return;
      const again = await manager.reconcile();
      if (again !== undefined) loop.triggerAfter(again);
    },
    log,
    (seconds, ok) => {
      metrics.reconcileSeconds.observe(seconds);
      metrics.reconciles.inc({ result: ok ? 'success' : 'error' });
    },
  );

  const redisUp = (): boolean => queues.every((q) => q.connected);
  const readiness = (): string | undefined =>
    !caches.synced
      ? 'the caches are not synced yet'
      : redisUp()
        ? undefined
        : 'Redis cannot be reached: no work is done; agents go on enforcing';
  const liveness = (): string | undefined =>
    loop.runningMs > WEDGED_MS ? 'the reconcile loop hangs' : undefined;
  const servers = await Promise.all([
    serve(settings.healthPort, { checks: { '/healthz': liveness, '/readyz': readiness } }),
    serve(settings.metricsPort, {
      checks: {},
      metrics: () => {
        metrics.redisUp.set(redisUp() ? 1 : 0);
        return metrics.registry.metrics();
      },
    }),
  ]);
  log.info('the manager starts', {
    ...settings,
    redisUrl: settings.redisUrl === undefined ? 'embedded' : 'external',
  });

  const lead = async (leading: AbortSignal): Promise<void> => {
    metrics.leader.set(1);
    const resync = setInterval(() => {
      manager.lookAgain();
      loop.trigger();
    }, RESYNC_MS);
    loop.trigger();
    await loop.run(leading);
    clearInterval(resync);
    metrics.leader.set(0);
  };
  const elector = new LeaderElector({
    api,
    path: paths.leases(settings.namespace),
    namespace: settings.namespace,
    name: LEASE_NAME,
    identity: settings.podName,
    log,
  });
  await Promise.all([caches.run(signal), settings.leaderElection ? elector.run(signal, lead) : lead(signal)]);

  log.info('the manager stops');
  for (const server of servers) server.close();
  for (const step of [...queues, redis, config])
    await step.close().catch((error: unknown) => log.warn('close', { error: messageOf(error) }));
}
