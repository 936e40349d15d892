import { PROFILE_LABEL_PREFIX } from '../api/names.ts';
import { conditionOf } from '../api/conditions.ts';
import type { SysctlProfile } from '../api/profile.ts';
import type { RevisionData } from '../api/revision.ts';
import type { NodeSysctlState } from '../api/state.ts';
import type { Plan, Planner } from '../plan/plan.ts';
import { chooseNodes, type RolloutDecision, type RolloutNode } from '../rollout/rollout.ts';
import type { CachedNode } from './caches.ts';
import { isManaged, nodeActions, type NodeAction } from './node-actions.ts';
import { planNodes } from './plan-nodes.ts';
import { judge, type Judgement, type Verdict } from './readiness.ts';

/** Everything that is decided from, as plain data. */
export interface Snapshot {
  profiles: readonly SysctlProfile[];
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
  actions: Map<string, NodeAction[]>;
  /** Per profile, how far each matched node is. */
  judgements: Map<string, [node: string, judgement: Judgement][]>;
}

/** Revision contents by name: those of the plan, and those that exist. */
export const contentOf = (
  plan: Plan,
  existing: ReadonlyMap<string, RevisionData>,
  name: string,
): RevisionData | undefined =>
  plan.revisions.get(name) ?? (name === plan.empty.name ? plan.empty.data : existing.get(name));

function judgeAll(plan: Plan, snapshot: Snapshot): Decision['judgements'] {
  const result: Decision['judgements'] = new Map();
  for (const [profile, own] of plan.profiles) {
    const list: [string, Judgement][] = [];
    result.set(profile, list);
    if (!own.enforced) continue;
    for (const node of own.matched) {
      const state = snapshot.states.get(node);
      const wantedName = plan.wanted.get(node) ?? plan.empty.name;
      const observed = state?.status?.observedRevision;
      const judgement = judge({
        node,
        nodeReady: snapshot.nodes.get(node)?.ready ?? false,
        profile,
        state,
        observed: observed === undefined ? undefined : contentOf(plan, snapshot.revisions, observed),
        wanted: contentOf(plan, snapshot.revisions, wantedName) ?? plan.empty.data,
        current: observed === wantedName,
        patterns: plan.patternsOf(node, profile),
      });
      list.push([node, judgement]);
    }
  }
  return result;
}

function stateOf(state: NodeSysctlState | undefined): RolloutNode['state'] {
  const ready = conditionOf(state?.status?.conditions, 'Ready');
  if (!state?.status?.observedRevision || !ready) return 'unknown';
  if (state.status.observedRevision !== state.spec.revision) return 'progressing';
  if (ready.status === 'True') return 'ready';
  if (ready.reason === 'KubeletPending') return 'progressing';
  return ready.reason === 'Drifted' ? 'drifted' : 'failed';
}

/** Profiles whose budget a change of this node counts against: those that match and those that its revision was made from. */
function budgetProfiles(plan: Plan, snapshot: Snapshot, node: string, current: string | undefined): string[] {
  const now = plan.profilesOf(node);
  const before = current === undefined ? [] : (contentOf(plan, snapshot.revisions, current)?.profiles ?? []);
  const names = new Set(now);
  for (const { name } of before) if (plan.profiles.has(name)) names.add(name);
  return [...names];
}

function rolloutNodes(plan: Plan, snapshot: Snapshot): RolloutNode[] {
  const nodes: RolloutNode[] = [];
  for (const [name, node] of snapshot.nodes) {
    const state = snapshot.states.get(name);
    const wanted = plan.wanted.get(name);
    if (!isManaged(node, state, wanted)) continue;
    const started = snapshot.started.get(name);
    const current = started ?? state?.spec.revision;
    const observed = state?.status?.observedRevision;
    nodes.push({
      name,
      wanted: wanted ?? plan.empty.name,
      ...(current !== undefined && { current }),
      ...(observed !== undefined && { observed }),
      state: started !== undefined && started !== state?.spec.revision ? 'progressing' : stateOf(state),
      available: node.ready,
      profiles: budgetProfiles(plan, snapshot, name, state?.spec.revision),
    });
  }
  return nodes;
}

const hasLeftover = (node: CachedNode): boolean =>
  Object.keys(node.labels).some((key) => key.startsWith(PROFILE_LABEL_PREFIX));

/** What to do now. Pure: the same snapshot gives the same decision. */
export function decide(planner: Planner, snapshot: Snapshot): Decision {
  const plan = planner.plan(snapshot.profiles, planNodes(snapshot));
  const judgements = judgeAll(plan, snapshot);
  const rollout = chooseNodes({
    nodes: rolloutNodes(plan, snapshot),
    profiles: new Map(
      [...plan.profiles].map(([name, own]) => {
        const { maxUnavailable = 1, paused = false } = own.profile.spec.rollout ?? {};
        return [name, { maxUnavailable, paused, matched: own.matched.length }];
      }),
    ),
  });
  return { plan, rollout, judgements, actions: allActions(plan, rollout, judgements, snapshot) };
}

function allActions(
  plan: Plan,
  rollout: RolloutDecision,
  judgements: Decision['judgements'],
  snapshot: Snapshot,
): Decision['actions'] {
  const verdicts = new Map<string, Map<string, Verdict>>();
  for (const [profile, list] of judgements)
    for (const [node, { verdict }] of list) {
      const own = verdicts.get(node) ?? new Map<string, Verdict>();
      verdicts.set(node, own.set(profile, verdict));
    }
  const start = new Set([...rollout.start, ...snapshot.started.keys()]);
  const actions: Decision['actions'] = new Map();
  for (const [name, node] of snapshot.nodes) {
    const state = snapshot.states.get(name);
    const wanted = plan.wanted.get(name);
    if (!isManaged(node, state, wanted) && !hasLeftover(node)) continue;
    const list = nodeActions({
      node,
      state,
      wanted,
      empty: plan.empty.name,
      mayStart: start.has(name),
      verdicts: verdicts.get(name) ?? new Map<string, Verdict>(),
    });
    if (list.length > 0) actions.set(name, list);
  }
  return actions;
}
