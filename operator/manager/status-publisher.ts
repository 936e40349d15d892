import { conditionOf } from '../api/conditions.ts';
import { FIELD_MANAGER, paths } from '../api/names.ts';
import type { SysctlProfile, SysctlProfileStatus } from '../api/profile.ts';
import { contentTypes, isStatus, type ApiServer } from '../kube/api-server.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { ProfilePlan } from '../plan/plan.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Decision, World } from './decide.ts';
import { profileEvents } from './events.ts';
import { Previews } from './previews.ts';
import { profileStatus, sameStatus } from './profile-status.ts';
import type { Refusals } from './refusals.ts';

/** Counts in a status may lag this much behind; a change of a condition is written at once. */
const COUNTS_LAG_MS = 500;
/**
 * A spec that is new is given this long before a status says that nodes are on their way: on a few nodes they have it by then, which saves
 * a write in the middle of the change. Until then status.observedGeneration says that nobody has looked yet.
 */
const SETTLE_MS = 40;
/** After this the caches show our own last write. */
const OWN_WRITE_MS = 2000;

export interface StatusPublisherOptions {
  api: ApiServer;
  events: Pick<EventRecorder, 'record'>;
  metrics: Metrics;
  world: World;
  refusals: Pick<Refusals, 'failures'>;
}

/** Readers act on these: not to be put off. */
function isUrgent(before: SysctlProfileStatus | undefined, after: SysctlProfileStatus): boolean {
  const [old, now] = [conditionOf(before?.conditions, 'Ready'), conditionOf(after.conditions, 'Ready')];
  return (
    old?.status !== now?.status ||
    old?.reason !== now?.reason ||
    old?.observedGeneration !== now?.observedGeneration
  );
}

/** Writes the statuses of the profiles: only what changed, counts at most twice a second, with an Event where a person wants one. */
export class StatusPublisher {
  readonly #o: StatusPublisherOptions;
  readonly #previews = new Previews();
  /** When which spec of a profile was seen first. */
  readonly #seen = new Map<string, { spec: string; at: number }>();
  readonly #written = new Map<string, { generation: number; status: SysctlProfileStatus; at: number }>();

  constructor(options: StatusPublisherOptions) {
    this.#o = options;
  }

  /** Resolves with in how many ms something is to be written that was put off, if anything was. Rejects when a write failed. */
  async publish(decision: Decision): Promise<number | undefined> {
    const { profiles } = decision.plan;
    const delays = await Promise.all([...profiles].map(([name, own]) => this.#one(decision, name, own)));
    for (const name of this.#written.keys()) if (!profiles.has(name)) this.#forget(name);
    this.#previews.keepOnly(decision.plan);
    const later = delays.filter((delay) => delay !== undefined);
    return later.length > 0 ? Math.min(...later) : undefined;
  }

  /** Resolves with in how many ms to come again, or undefined when nothing is left to be written. */
  async #one(decision: Decision, name: string, plan: ProfilePlan): Promise<number | undefined> {
    const last = this.#written.get(name);
    const profile = this.#stored(name, plan.profile);
    const status = profileStatus({
      plan,
      profile,
      tally: decision.tallies.get(name),
      refused: this.#o.refusals.failures(plan),
      stalled: decision.rollout.stalled.get(name),
      waiting: decision.waitingOf(name),
      preview: plan.enforced ? undefined : this.#previews.of(decision.plan, name, this.#o.world),
      now: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    });
    this.#measure(name, status);
    if (sameStatus(profile, status)) return undefined;
    const settling = this.#settling(profile, status);
    if (settling > 0) return settling;
    const urgent = isUrgent(profile.status, status);
    if (!urgent && last && performance.now() - last.at < COUNTS_LAG_MS) return COUNTS_LAG_MS;
    const generation = profile.metadata.generation ?? 0;
    this.#written.set(name, { generation, status, at: performance.now() });
    await this.#patch(name, status);
    for (const event of profileEvents(profile, status)) this.#o.events.record(event);
    return undefined;
  }

  /** How many ms are left for the nodes of a new spec; 0 when the status has more to say than that they are on their way. */
  #settling({ metadata, status: before }: SysctlProfile, status: SysctlProfileStatus): number {
    const { name, uid, generation = 0 } = metadata;
    const onTheWay = conditionOf(status.conditions, 'Ready')?.reason === 'RollingOut';
    if (!onTheWay || before?.observedGeneration === generation) return 0;
    const now = performance.now();
    const seen = this.#seen.get(name);
    const spec = `${uid}/${generation}`;
    if (seen?.spec === spec) return Math.max(0, seen.at + SETTLE_MS - now);
    this.#seen.set(name, { spec, at: now });
    return SETTLE_MS;
  }

  /** The profile as the API server has it: the cache may not show our own last write yet. */
  #stored(name: string, profile: SysctlProfile): SysctlProfile {
    const last = this.#written.get(name);
    const ours =
      last?.generation === (profile.metadata.generation ?? 0) && performance.now() - last.at < OWN_WRITE_MS;
    return ours ? { ...profile, status: last.status } : profile;
  }

  async #patch(name: string, status: SysctlProfileStatus): Promise<void> {
    try {
      await this.#o.api.request({
        method: 'PATCH',
        path: `${paths.profiles}/${name}/status`,
        query: { fieldManager: FIELD_MANAGER },
        contentType: contentTypes.mergePatch,
        accept: contentTypes.metadata,
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
    this.#seen.delete(profile);
    this.#o.metrics.profileReady.remove({ profile });
    for (const state of ['matched', 'updated', 'ready', 'failed', 'drifted'])
      this.#o.metrics.profileNodes.remove({ profile, state });
  }
}
