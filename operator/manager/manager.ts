import { AGENT_DAEMON_SET, FIELD_MANAGER, paths } from '../api/names.ts';
import { conditionOf } from '../api/conditions.ts';
import type { SysctlProfileStatus } from '../api/profile.ts';
import { messageOf } from '../errors.ts';
import { contentTypes, isStatus, type ApiServer } from '../kube/api-server.ts';
import type { EventRecorder } from '../kube/events.ts';
import { Planner } from '../plan/plan.ts';
import type { Preview } from '../plan/preview/preview.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Caches } from './caches.ts';
import { agentDaemonSet } from './daemon-set.ts';
import { contentOf, decide, type Decision, type Snapshot } from './decide.ts';
import { profileEvents } from './events.ts';
import type { NodeAction } from './node-actions.ts';
import { configureNode } from './node-config.ts';
import { Previews } from './previews.ts';
import { profileStatus, sameStatus } from './profile-status.ts';
import { ensureRevision, obsoleteRevisions } from './revisions.ts';
import type { ManagerSettings } from './settings.ts';

/** What the manager needs of the queues. */
export interface WorkSink {
  add(keys: readonly string[]): Promise<void>;
}

export interface ManagerOptions {
  api: ApiServer;
  caches: Caches;
  nodeConfig: WorkSink;
  agentDaemonSet: WorkSink;
  events: EventRecorder;
  metrics: Metrics;
  log: Log;
  settings: ManagerSettings;
}

/** A node that was told to start counts as mid-change until its state shows it, or this long. */
const STARTED_MS = 30_000;
/** Counts in a status may lag this much behind; a change of a condition is written at once. */
const COUNTS_LAG_MS = 500;

/** The revision that an action makes a state refer to. */
const targetOf = (action: NodeAction): string[] =>
  action.kind === 'createState' ? [action.revision] : action.kind === 'setRevision' ? [action.to] : [];

/** Turns profiles and nodes into revisions, jobs and statuses. The lease holder reconciles; every replica runs jobs. */
export class Manager {
  readonly #o: ManagerOptions;
  readonly #planner = new Planner();
  readonly #previews = new Previews();
  readonly #started = new Map<string, { revision: string; at: number }>();
  readonly #written = new Map<string, { generation: number; status: SysctlProfileStatus; at: number }>();
  #daemonSetGeneration: number | undefined;
  #decision: Decision | undefined;

  constructor(options: ManagerOptions) {
    this.#o = options;
  }

  /** Something that is decided from has changed. */
  invalidate(): void {
    this.#decision = undefined;
  }

  /** One run of the reconcile loop. Returns in how many ms it wants to run again, if at all. */
  async reconcile(): Promise<number | undefined> {
    const decision = this.#decide();
    await this.#createRevisions(decision, this.#referred(decision));
    const now = performance.now();
    for (const node of decision.rollout.start)
      this.#started.set(node, {
        revision: decision.plan.wanted.get(node) ?? decision.plan.empty.name,
        at: now,
      });
    // One that fails does not keep the others from their work.
    const [queued, daemonSet, wrote, collected] = await Promise.allSettled([
      this.#o.nodeConfig.add([...decision.actions.keys()]),
      this.#checkDaemonSet(),
      this.#writeStatuses(decision),
      this.#collectRevisions(decision),
    ]);
    for (const result of [wrote, collected]) if (result.status === 'rejected') throw result.reason;
    for (const result of [queued, daemonSet])
      if (result.status === 'rejected') {
        this.#o.log.warn('work cannot be queued', { error: messageOf(result.reason) });
        return 1000;
      }
    // A job may be lost with Redis, or end because its view was old: look again while there is work.
    const pending = decision.actions.size > 0 ? 2000 : undefined;
    const later = wrote.status === 'fulfilled' && wrote.value;
    return later ? Math.min(COUNTS_LAG_MS, pending ?? COUNTS_LAG_MS) : pending;
  }

  /** The job `node-config`. */
  async configureNode(node: string, signal: AbortSignal): Promise<void> {
    const decision = this.#decide();
    const actions = decision.actions.get(node);
    if (!actions) return;
    // This decision may be newer than the last run of the loop.
    await this.#createRevisions(decision, actions.flatMap(targetOf));
    await configureNode(this.#o.api, node, actions, this.#o.log, signal);
  }

  /** The job `agent-daemonset`. */
  async applyDaemonSet(): Promise<void> {
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

  #decide(): Decision {
    return (this.#decision ??= decide(this.#planner, this.#snapshot()));
  }

  #snapshot(): Snapshot {
    return {
      profiles: [...this.#o.caches.profiles.store.values()],
      nodes: this.#o.caches.planNodes,
      states: this.#o.caches.states.store,
      revisions: new Map([...this.#o.caches.revisions.store.values()].map((r) => [r.metadata.name, r.data])),
      started: this.#startedNow(),
    };
  }

  #startedNow(): Map<string, string> {
    const { states, nodes } = this.#o.caches;
    const limit = performance.now() - STARTED_MS;
    for (const [node, { revision, at }] of this.#started)
      if (at < limit || states.store.get(node)?.spec.revision === revision || !nodes.store.has(node))
        this.#started.delete(node);
    return new Map([...this.#started].map(([node, { revision }]) => [node, revision]));
  }

  /** A revision is there before anything refers to it. */
  async #createRevisions({ plan }: Decision, names: Iterable<string>): Promise<void> {
    const { store } = this.#o.caches.revisions;
    const missing = [...new Set(names)].filter((name) => !store.has(name));
    if (missing.length === 0) return;
    let next = 1 + Math.max(0, ...[...store.values()].map((r) => r.revision));
    await Promise.all(
      missing.map(async (name) => {
        // Of one that is neither planned nor there nobody knows the content: its agents say so.
        const data = contentOf(plan, new Map(), name);
        if (data) await ensureRevision(this.#o.api, this.#o.settings.namespace, name, data, next++);
      }),
    );
  }

  /** Every revision that is planned for a node or that a state names. */
  #referred({ plan, actions }: Decision): Set<string> {
    const names = new Set(plan.wanted.values());
    for (const list of actions.values()) for (const name of list.flatMap(targetOf)) names.add(name);
    for (const { spec } of this.#o.caches.states.store.values()) names.add(spec.revision);
    return names;
  }

  async #collectRevisions(decision: Decision): Promise<void> {
    const { states, revisions } = this.#o.caches;
    const inUse = this.#referred(decision).add(decision.plan.empty.name);
    for (const { status } of states.store.values())
      if (status?.observedRevision) inUse.add(status.observedRevision);
    for (const name of obsoleteRevisions(revisions.store.values(), inUse)) {
      const path = `${paths.revisions(this.#o.settings.namespace)}/${name}`;
      await this.#o.api.request({ method: 'DELETE', path }).catch((error: unknown) => {
        if (!isStatus(error, 404)) throw error;
      });
    }
  }

  async #checkDaemonSet(): Promise<void> {
    const existing = this.#o.caches.daemonSets.store.values().next().value;
    if (!existing || existing.metadata.generation !== this.#daemonSetGeneration)
      await this.#o.agentDaemonSet.add([AGENT_DAEMON_SET]);
  }

  /** Resolves with true when a write was put off. */
  async #writeStatuses(decision: Decision): Promise<boolean> {
    const results = await Promise.all(
      [...decision.plan.profiles.keys()].map((name) => this.#writeStatus(decision, name)),
    );
    for (const name of this.#written.keys()) if (!decision.plan.profiles.has(name)) this.#forget(name);
    this.#previews.keepOnly(decision.plan);
    return results.includes('later');
  }

  async #writeStatus(decision: Decision, name: string): Promise<'same' | 'written' | 'later'> {
    const plan = decision.plan.profiles.get(name);
    if (!plan) return 'same';
    const last = this.#written.get(name);
    const generation = plan.profile.metadata.generation ?? 0;
    // The cache may not show our own last write yet.
    const profile =
      last && last.generation === generation && performance.now() - last.at < 2000
        ? { ...plan.profile, status: last.status }
        : plan.profile;
    const waiting = [...decision.rollout.waiting].find(([node]) => plan.matched.includes(node));
    const status = profileStatus({
      plan: { ...plan, profile },
      judgements: decision.judgements.get(name) ?? [],
      stalled: decision.rollout.stalled.get(name),
      waiting: waiting && `node ${waiting[0]} waits: ${waiting[1]}`,
      preview: plan.enforced ? undefined : this.#preview(decision, name),
      now: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    });
    this.#measure(name, status);
    if (sameStatus(profile, status)) return 'same';
    const changed = conditionOf(profile.status?.conditions, 'Ready');
    const wanted = conditionOf(status.conditions, 'Ready');
    const urgent =
      !changed ||
      changed.status !== wanted?.status ||
      changed.reason !== wanted.reason ||
      changed.observedGeneration !== wanted.observedGeneration;
    if (!urgent && last && performance.now() - last.at < COUNTS_LAG_MS) return 'later';
    this.#written.set(name, { generation, status, at: performance.now() });
    await this.#patchStatus(name, status);
    for (const event of profileEvents(profile, status)) this.#o.events.record(event);
    return 'written';
  }

  #preview({ plan }: Decision, name: string): Preview | undefined {
    return this.#previews.of(plan, name, this.#snapshot());
  }

  async #patchStatus(name: string, status: SysctlProfileStatus): Promise<void> {
    try {
      await this.#o.api.request({
        method: 'PATCH',
        path: `${paths.profiles}/${name}/status`,
        query: { fieldManager: FIELD_MANAGER },
        contentType: contentTypes.mergePatch,
        body: { status },
      });
    } catch (error) {
      this.#written.delete(name);
      if (!isStatus(error, 404)) throw error;
    }
  }

  #measure(profile: string, status: SysctlProfileStatus): void {
    const { profileReady, profileNodes } = this.#o.metrics;
    profileReady.set({ profile }, conditionOf(status.conditions, 'Ready')?.status === 'True' ? 1 : 0);
    for (const [state, count] of Object.entries(status.nodes ?? {}))
      profileNodes.set({ profile, state }, count);
  }

  #forget(profile: string): void {
    this.#written.delete(profile);
    this.#o.metrics.profileReady.remove({ profile });
    for (const state of ['matched', 'updated', 'ready', 'failed', 'drifted'])
      this.#o.metrics.profileNodes.remove({ profile, state });
  }
}
