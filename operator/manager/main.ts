import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { LEASE_NAME, paths } from '../api/names.ts';
import { messageOf } from '../errors.ts';
import { ClientNodeApiServer } from '../kube/client-node-api-server.ts';
import { systemClock } from '../kube/clock.ts';
import { EventRecorder } from '../kube/events.ts';
import { FencedApiServer } from '../kube/fence.ts';
import { LeaderElector, type Term } from '../kube/leader-election.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { winstonLog } from '../telemetry/winston-log.ts';
import { Caches } from './caches.ts';
import { EmbeddedRedis } from './embedded-redis.ts';
import { serve } from './http.ts';
import { LOCK_MS } from './job.ts';
import { Leadership } from './leadership.ts';
import { Manager } from './manager.ts';
import { WorkQueue } from './queues.ts';
import { redisEvent } from './events.ts';
import { ReconcileLoop } from './reconciler.ts';
import { RedisHealth } from './redis-health.ts';
import { externalRedis } from './redis.ts';
import { managerSettings } from './settings.ts';
import { caughtUp, viewOf } from './view.ts';

/** Everything is looked at again this often, whatever events say. */
const RESYNC_MS = 60_000;
/** A reconcile that takes longer than this hangs: the liveness probe fails. */
const WEDGED_MS = 120_000;

/** The manager: runs until the signal aborts, then closes everything within seconds. */
export async function runManager(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const settings = managerSettings(env);
  const log = winstonLog(settings.logLevel);
  const metrics = new Metrics();
  const config = new KubeConfig();
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
  const redis = settings.redis === undefined ? await EmbeddedRedis.start(log) : externalRedis(settings.redis);

  const caches = new Caches(api, settings.namespace, log, (kind, name) => {
    manager.changed(kind, name);
    loop.trigger();
  });
  const leadership = new Leadership();
  const nodeConfig = new WorkQueue({
    name: 'node-config',
    redis,
    handler: async (node, job) => {
      const { view, grant } = await job.notes();
      // The leader's own view is what everybody else's is held against.
      if (!leadership.leads) {
        await caughtUp(caches.decidedFrom, view);
        if (grant !== undefined) manager.learn(new Map([[node, grant]]));
      }
      await manager.configureNode(node, new FencedApiServer(api, job.fence), job.signal, grant);
    },
    concurrency: settings.concurrency,
    log,
    onResult: (result) => metrics.jobs.inc({ queue: 'node-config', result }),
  });
  const manager: Manager = new Manager({
    api: new FencedApiServer(api, leadership.fence),
    caches,
    nodeConfig: {
      add: async (nodes) => {
        leadership.fence();
        await nodeConfig.add(nodes, { view: viewOf(caches.decidedFrom), grants: manager.started });
      },
    },
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

  const health = new RedisHealth({
    ping: () => nodeConfig.ping(),
    onChange: (up) => events.record(redisEvent(settings, up)),
    log,
  });
  const redisUp = (): boolean => nodeConfig.connected && health.up;
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
    redis: settings.redis?.target.kind ?? 'embedded',
  });

  const lead = async (term: Term): Promise<void> => {
    metrics.leader.set(1);
    // The leader before may have seen more than this replica has, and decided by it.
    await caches.freshSince(term.since.monotonic, term.signal);
    // What it has begun counts, whether or not it can be seen yet.
    // Where a Redis that others share has forgotten it, what they are doing for the leader before is waited for.
    const notes = await nodeConfig.lastNotes();
    if (notes) manager.learn(notes.grants);
    else if (settings.redis) await sleep(LOCK_MS, undefined, { signal: term.signal }).catch(() => {});
    const resync = setInterval(() => {
      manager.lookAgain();
      loop.trigger();
    }, RESYNC_MS);
    loop.trigger();
    await leadership.during(term, () => loop.run(term.signal));
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
    leaseMs: settings.leaseDurationSeconds * 1000,
  });
  const watching = health.run(signal);
  if (settings.leaderElection) {
    const election = elector.run(signal, lead);
    // What is listed after the lease was taken need not be listed again.
    const following = elector.tried.then(() => caches.run(signal));
    await Promise.all([watching, election, following]);
  } else
    await Promise.all([
      watching,
      lead({ signal, fence: () => {}, since: systemClock() }),
      caches.run(signal),
    ]);

  log.info('the manager stops');
  for (const server of servers) server.close();
  for (const step of [nodeConfig, redis])
    await step.close().catch((error: unknown) => log.warn('close', { error: messageOf(error) }));
  api.close();
}
