import { AGENT_DAEMON_SET, FIELD_MANAGER, paths } from '../api/names.ts';
import { messageOf } from '../errors.ts';
import { contentTypes, type ApiServer } from '../kube/api-server.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Caches, ChangeKind } from './caches.ts';
import { agentDaemonSet } from './daemon-set.ts';
import { contentOf, Decider, type Decision, type World } from './decide.ts';
import type { NodeAction } from './node-actions.ts';
import { configureNode } from './node-config.ts';
import { QueuedWork, REQUEUE_MS } from './queued-work.ts';
import { Refusals } from './refusals.ts';
import { RevisionHistory } from './revisions.ts';
import type { ManagerSettings } from './settings.ts';
import { StartedNodes } from './started-nodes.ts';
import { StatusPublisher } from './status-publisher.ts';

/** What the manager needs of the queues. */
export interface WorkSink {
  add(keys: readonly string[]): Promise<void>;
}

export interface ManagerOptions {
  /** For what only the lease holder writes. */
  api: ApiServer;
  caches: Caches;
  nodeConfig: WorkSink;
  events: EventRecorder;
  metrics: Metrics;
  log: Log;
  settings: ManagerSettings;
}

/** Redis cannot be reached. */
const NO_QUEUE_MS = 1000;

/** The revision that an action makes a state refer to. */
const targetOf = (action: NodeAction): string | undefined =>
  action.kind === 'createState' ? action.revision : action.kind === 'setRevision' ? action.to : undefined;

const targetsOf = (actions: readonly NodeAction[]): string[] =>
  actions.map(targetOf).filter((target) => target !== undefined);

/** Turns profiles and nodes into revisions, jobs and statuses. The lease holder reconciles; every replica runs jobs. */
export class Manager {
  readonly #o: ManagerOptions;
  readonly #decider: Decider;
  readonly #started: StartedNodes;
  readonly #revisions: RevisionHistory;
  readonly #statuses: StatusPublisher;
  readonly #queued = new QueuedWork();
  readonly #refusals = new Refusals();
  #daemonSetGeneration: number | undefined;
  #unqueued = false;

  constructor(options: ManagerOptions) {
    this.#o = options;
    const { api, caches, events, metrics, settings } = options;
    this.#started = new StartedNodes((node) => this.#decider.touchNode(node));
    const world: World = {
      profiles: () => [...caches.profiles.store.values()],
      nodes: caches.planNodes,
      states: caches.states.store,
      revisions: caches.contents,
      started: this.#started.revisions,
    };
    this.#decider = new Decider(world);
    this.#revisions = new RevisionHistory(api, settings.namespace, caches.revisions.store);
    this.#statuses = new StatusPublisher({ api, events, metrics, world, refusals: this.#refusals });
  }

  /** Something that is decided from has changed. */
  changed(kind: ChangeKind, name: string): void {
    if (kind === 'profile') this.#decider.touchProfiles();
    else if (kind === 'revision') this.#decider.touchRevision(name);
    else if (kind === 'node') this.#decider.touchNode(name);
    else if (kind === 'state') {
      this.#started.saw(name, this.#o.caches.states.store.get(name));
      this.#decider.touchNode(name);
    }
  }

  /** Looks at everything again at the next run, whatever was told of changes. */
  lookAgain(): void {
    this.#decider.touchAll();
  }

  /** Revisions that nodes were told and that the caches do not show yet, by node. */
  get started(): ReadonlyMap<string, string> {
    return this.#started.revisions;
  }

  /** What the leader has told nodes: it counts as begun here too, until the caches show it. */
  learn(started: ReadonlyMap<string, string>): void {
    const { planNodes, states } = this.#o.caches;
    this.#started.expire(planNodes);
    for (const [node, revision] of started)
      if (states.store.get(node)?.spec.revision !== revision) this.#started.add(node, revision);
  }

  /** One run of the reconcile loop. Returns in how many ms it wants to run again, if at all. */
  async reconcile(): Promise<number | undefined> {
    this.#started.expire(this.#o.caches.planNodes);
    const decision = this.#decider.decide();
    const { plan, rollout } = decision;
    for (const node of rollout.start) this.#started.add(node, plan.wanted.get(node) ?? plan.empty.name);
    // One that fails does not keep the others from their work. A job waits for its revision itself.
    const [ensured, queued, daemonSet, wrote, collected] = await Promise.allSettled([
      this.#revisions.ensure(this.#o.api, this.#referred(decision), (name) => contentOf(plan, name)),
      this.#queue(decision.actions),
      this.#ensureDaemonSet(),
      this.#statuses.publish(decision),
      this.#revisions.collect(() => this.#inUse(decision)),
    ]);
    for (const result of [ensured, daemonSet, wrote, collected])
      if (result.status === 'rejected') throw result.reason;
    if (queued.status === 'rejected') {
      // Once an outage, not once a second.
      this.#o.log[this.#unqueued ? 'debug' : 'warn']('work cannot be queued', {
        error: messageOf(queued.reason),
      });
      this.#unqueued = true;
      return NO_QUEUE_MS;
    }
    this.#unqueued = false;
    const later = wrote.status === 'fulfilled' ? wrote.value : undefined;
    return decision.actions.size > 0 ? Math.min(REQUEUE_MS, later ?? REQUEUE_MS) : later;
  }

  async #queue(actions: Decision['actions']): Promise<void> {
    this.#refusals.keepOnly(actions);
    const due = this.#queued
      .due(actions)
      .filter((node) => !this.#refusals.holdsBack(node, actions.get(node)));
    await this.#o.nodeConfig.add(due);
    this.#queued.took(due, actions);
  }

  /**
   * The job `node-config`; `api` is what this job may write through. `grant`: the revision that the leader has told this node, as it stands in
   * Redis. Nothing else is started, also not by the leader's own jobs, which may know more than its last decision: what nobody has written
   * down a leader after this one would not count.
   */
  async configureNode(
    node: string,
    api: ApiServer,
    signal: AbortSignal,
    grant: string | undefined,
  ): Promise<void> {
    const { plan, actions } = this.#decider.decide();
    const own = actions.get(node);
    if (!own) return;
    const targets = targetsOf(own);
    if (targets.some((target) => target !== grant)) return;
    for (const target of targets) this.#started.add(node, target);
    // This decision may be newer than the last run of the loop.
    await this.#revisions.ensure(api, targets, (name) => contentOf(plan, name));
    await this.#refusals.watch(node, own, () => configureNode(api, node, own, this.#o.log, signal));
  }

  /** Written by the leader alone: while one image is replaced by the next, replicas of both are there and each has an image of its own. */
  async #ensureDaemonSet(): Promise<void> {
    const existing = this.#o.caches.daemonSets.store.values().next().value;
    if (existing && existing.metadata.generation === this.#daemonSetGeneration) return;
    const { namespace, agentImage, agentDriftIntervalSeconds, logLevel } = this.#o.settings;
    const body = agentDaemonSet({
      namespace,
      image: agentImage,
      driftIntervalSeconds: agentDriftIntervalSeconds,
      logLevel,
    });
    const applied = await this.#o.api.request<{ metadata: { generation?: number } }>({
      method: 'PATCH',
      path: `${paths.daemonSets(namespace)}/${AGENT_DAEMON_SET}`,
      query: { fieldManager: FIELD_MANAGER, force: 'true' },
      contentType: contentTypes.apply,
      body,
    });
    this.#daemonSetGeneration = applied.metadata.generation;
    this.#o.log.info('agent DaemonSet applied', {
      image: agentImage,
      generation: applied.metadata.generation,
    });
  }

  /** Every revision that is planned for a node or that a state names or is about to name. */
  #referred({ plan, actions }: Decision): Set<string> {
    const names = new Set(plan.revisions.keys());
    for (const list of actions.values()) for (const name of targetsOf(list)) names.add(name);
    for (const { spec } of this.#o.caches.states.store.values()) names.add(spec.revision);
    return names;
  }

  #inUse(decision: Decision): Set<string> {
    const inUse = this.#referred(decision).add(decision.plan.empty.name);
    for (const { status } of this.#o.caches.states.store.values())
      if (status?.observedRevision) inUse.add(status.observedRevision);
    return inUse;
  }
}
