import { conditionOf } from '../api/conditions.ts';
import { PROFILE_LABEL_PREFIX } from '../api/names.ts';
import type { SysctlProfile } from '../api/profile.ts';
import type { RevisionData } from '../api/revision.ts';
import type { NodeSysctlState } from '../api/state.ts';
import { Planner, type Plan } from '../plan/plan.ts';
import { Rollout, type RolloutDecision, type RolloutNode } from '../rollout/rollout.ts';
import type { CachedNode } from './caches.ts';
import { isManaged, nodeActions, type NodeAction } from './node-actions.ts';
import { planNode } from './plan-nodes.ts';
import { judge, type Verdict } from './readiness.ts';
import { Tally } from './tally.ts';

/** Everything that is decided from: live copies, which somebody else keeps current. */
export interface World {
  profiles: () => readonly SysctlProfile[];
  nodes: ReadonlyMap<string, CachedNode>;
  states: ReadonlyMap<string, NodeSysctlState>;
  /** Contents of the revisions that exist. */
  revisions: ReadonlyMap<string, RevisionData>;
  /** Nodes that were told to start a revision, not yet seen in their state. */
  started: ReadonlyMap<string, string>;
}

export interface Decision {
  plan: Plan;
  rollout: RolloutDecision;
  /** Per node, what to write; nodes without work are left out. */
  actions: ReadonlyMap<string, readonly NodeAction[]>;
  /** Per enforced profile, how far its nodes are. */
  tallies: ReadonlyMap<string, Tally>;
  /** Why a node of this profile has to wait; undefined where none has. */
  waitingOf: (profile: string) => string | undefined;
}

function stateOf(state: NodeSysctlState | undefined): RolloutNode['state'] {
  const ready = conditionOf(state?.status?.conditions, 'Ready');
  if (!state?.status?.observedRevision || !ready) return 'unknown';
  if (state.status.observedRevision !== state.spec.revision) return 'progressing';
  if (ready.status === 'True') return 'ready';
  if (ready.reason === 'KubeletPending') return 'progressing';
  return ready.reason === 'Drifted' ? 'drifted' : 'failed';
}

const hasLeftover = (node: CachedNode): boolean =>
  Object.keys(node.labels).some((key) => key.startsWith(PROFILE_LABEL_PREFIX));

const NO_VERDICTS: ReadonlyMap<string, Verdict> = new Map();

/**
 * What to do now. The decision depends on the world alone; what has not changed since the last one is not looked at again, so whoever
 * changes the world says where.
 */
export class Decider {
  readonly #world: World;
  readonly #planner = new Planner();
  readonly #rollout = new Rollout();
  readonly #tallies = new Map<string, Tally>();
  readonly #verdicts = new Map<string, ReadonlyMap<string, Verdict>>();
  readonly #actions = new Map<string, readonly NodeAction[]>();
  #mayStart: ReadonlySet<string> = new Set();
  /** Names of the profiles. */
  #present: ReadonlySet<string> = new Set();
  #touched = new Set<string>();
  #profilesTouched = true;
  #allTouched = true;
  #decision: Decision | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** A profile came, changed or went. */
  touchProfiles(): void {
    this.#profilesTouched = true;
  }

  /** A node, its state, or what it was told to start came, changed or went. */
  touchNode(name: string): void {
    this.#touched.add(name);
  }

  /** A revision came or went: nodes whose state refers to it may mean something else now. */
  touchRevision(revision: string): void {
    for (const [name, { spec, status }] of this.#world.states)
      if (spec.revision === revision || status?.observedRevision === revision) this.#touched.add(name);
  }

  /** Anything may have changed. */
  touchAll(): void {
    this.#allTouched = true;
    this.#profilesTouched = true;
  }

  decide(): Decision {
    const upToDate = !this.#profilesTouched && !this.#allTouched && this.#touched.size === 0;
    if (this.#decision && upToDate) return this.#decision;
    const touched = this.#take();
    for (const name of touched) this.#look(name);
    const plan = this.#planner.current;
    const rollout = this.#rollout.choose(
      new Map(
        [...plan.profiles].map(([name, { profile, matches: matched }]) => {
          const { maxUnavailable = 1, paused = false } = profile.spec.rollout ?? {};
          return [name, { maxUnavailable, paused, matched }];
        }),
      ),
    );
    this.#act(touched, new Set(rollout.start));
    this.#decision = {
      plan,
      rollout,
      actions: this.#actions,
      tallies: this.#tallies,
      waitingOf: (profile) => this.#waitingOf(profile),
    };
    return this.#decision;
  }

  #waitingOf(profile: string): string | undefined {
    for (const [node, reason] of this.#decision?.rollout.waiting ?? [])
      if (this.#planner.current.profilesOf(node).includes(profile)) return `node ${node} waits: ${reason}`;
    return undefined;
  }

  /** The nodes to look at. */
  #take(): ReadonlySet<string> {
    const { nodes } = this.#world;
    if (this.#profilesTouched && this.#planner.setProfiles(this.#world.profiles())) this.#allTouched = true;
    // A node that is gone was touched by whoever took it away, or is among those that were looked at before.
    const touched = this.#allTouched ? new Set([...nodes.keys(), ...this.#verdicts.keys()]) : this.#touched;
    this.#profilesTouched = false;
    this.#allTouched = false;
    this.#touched = new Set();
    const { profiles } = this.#planner.current;
    this.#present = new Set(profiles.keys());
    for (const name of this.#tallies.keys()) if (!profiles.get(name)?.enforced) this.#tallies.delete(name);
    for (const [name, { enforced }] of profiles)
      if (enforced && !this.#tallies.has(name)) this.#tallies.set(name, new Tally());
    return touched;
  }

  #look(name: string): void {
    const { nodes, states } = this.#world;
    const node = nodes.get(name);
    const state = states.get(name);
    const planned = node && planNode(node, state);
    if (planned) this.#planner.setNode(planned);
    else this.#planner.removeNode(name);
    this.#judge(name, node, state);
    const wanted = this.#planner.current.wanted.get(name);
    if (node && isManaged(node, state, wanted)) this.#rollout.setNode(this.#rolloutNode(node, state, wanted));
    else this.#rollout.removeNode(name);
  }

  #judge(name: string, node: CachedNode | undefined, state: NodeSysctlState | undefined): void {
    const plan = this.#planner.current;
    const wantedName = plan.wanted.get(name) ?? plan.empty.name;
    const observed = state?.status?.observedRevision;
    const verdicts = new Map<string, Verdict>();
    for (const profile of node ? plan.profilesOf(name) : []) {
      const judgement = judge({
        node: name,
        nodeReady: node?.ready ?? false,
        profile,
        state,
        observed: observed === undefined ? undefined : this.#contentOf(observed),
        wanted: this.#contentOf(wantedName) ?? plan.empty.data,
        current: observed === wantedName,
        patterns: plan.patternsOf(name, profile),
      });
      this.#tallies.get(profile)?.set(name, judgement);
      verdicts.set(profile, judgement.verdict);
    }
    for (const profile of this.#verdicts.get(name)?.keys() ?? [])
      if (!verdicts.has(profile)) this.#tallies.get(profile)?.delete(name);
    if (node) this.#verdicts.set(name, verdicts);
    else this.#verdicts.delete(name);
  }

  #rolloutNode(
    node: CachedNode,
    state: NodeSysctlState | undefined,
    wanted: string | undefined,
  ): RolloutNode {
    const { name } = node.metadata;
    const started = this.#world.started.get(name);
    const current = state?.spec.revision;
    const begun = started !== undefined && started !== current;
    const observed = state?.status?.observedRevision;
    return {
      name,
      wanted: wanted ?? this.#planner.current.empty.name,
      ...(current !== undefined && { current }),
      ...(observed !== undefined && { observed }),
      ...(begun && { begun }),
      state: begun ? 'progressing' : stateOf(state),
      available: node.ready,
      profiles: this.#budgets(name, current),
    };
  }

  /** Profiles whose budget a change of this node counts against: those that match and those that its revision was made from. */
  #budgets(node: string, current: string | undefined): string[] {
    const before = current === undefined ? [] : (this.#contentOf(current)?.profiles ?? []);
    const names = new Set(this.#planner.current.profilesOf(node));
    for (const { name } of before) if (this.#present.has(name)) names.add(name);
    return [...names];
  }

  #contentOf(name: string): RevisionData | undefined {
    return this.#world.revisions.get(name) ?? contentOf(this.#planner.current, name);
  }

  /** The work of the nodes that were looked at, and of those that may start now or no longer. */
  #act(touched: ReadonlySet<string>, mayStart: ReadonlySet<string>): void {
    const before = this.#mayStart;
    this.#mayStart = mayStart;
    const changed = [...before, ...mayStart].filter((name) => before.has(name) !== mayStart.has(name));
    for (const name of new Set([...touched, ...changed])) {
      const actions = this.#actionsOf(name);
      if (actions.length > 0) this.#actions.set(name, actions);
      else this.#actions.delete(name);
    }
  }

  #actionsOf(name: string): readonly NodeAction[] {
    const node = this.#world.nodes.get(name);
    const state = this.#world.states.get(name);
    const { wanted: all, empty } = this.#planner.current;
    const wanted = all.get(name);
    if (!node || (!isManaged(node, state, wanted) && !hasLeftover(node))) return [];
    const verdicts = this.#verdicts.get(name) ?? NO_VERDICTS;
    return nodeActions({
      node,
      state,
      wanted,
      empty: empty.name,
      mayStart: this.#mayStart.has(name),
      verdicts,
    });
  }
}

/** Content of a revision that is planned. */
export const contentOf = (plan: Plan, name: string): RevisionData | undefined =>
  name === plan.empty.name ? plan.empty.data : plan.revisions.get(name);
