import { AGENT_LABEL, PROFILE_LABEL_PREFIX } from '../../../operator/api/names.ts';
import type { RevisionData } from '../../../operator/api/revision.ts';
import type { KubeletStatus, NodeSysctlState, NodeSysctlStateStatus } from '../../../operator/api/state.ts';
import type { CachedNode } from '../../../operator/manager/caches.ts';
import { Decider, type Decision, type World } from '../../../operator/manager/decide.ts';
import type { NodeAction } from '../../../operator/manager/node-actions.ts';
import type { SysctlProfile } from '../../../operator/api/profile.ts';
import type { Verdict } from '../../../operator/manager/readiness.ts';
import { inspect, isDeepStrictEqual } from 'node:util';

export const cachedNode = (name: string, labels: Record<string, string> = {}, ready = true): CachedNode => ({
  metadata: { name, uid: `uid-${name}` },
  labels,
  ready,
});

export interface StateDraft extends NodeSysctlStateStatus {
  revision: string;
  /** Reason of Ready=False; True without it. */
  notReady?: string;
}

/** A state whose agent has observed its revision, unless the draft says otherwise. */
export function nodeState(name: string, { revision, notReady, ...status }: StateDraft): NodeSysctlState {
  return {
    metadata: { name, uid: `state-${name}`, resourceVersion: '7', generation: 3 },
    spec: { revision },
    status: {
      observedRevision: revision,
      conditions: [
        {
          type: 'Ready',
          status: notReady ? 'False' : 'True',
          reason: notReady ?? 'AllInSync',
          message: notReady ?? 'as wanted',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
      ...status,
    },
  };
}

/** Tells of every change, as a cache does. */
class ToldMap<V> extends Map<string, V> {
  changed: (name: string) => void = () => {};

  override set(name: string, value: V): this {
    super.set(name, value);
    this.changed(name);
    return this;
  }

  override delete(name: string): boolean {
    const was = super.delete(name);
    this.changed(name);
    return was;
  }

  override clear(): void {
    for (const name of this.keys()) this.delete(name);
  }
}

const sorted = (names: Iterable<string>): string[] => [...names].toSorted();

/** Everything that a decision says, without the order in which it was found. */
const contentOf = ({ plan, rollout, actions, tallies, waitingOf }: Decision): unknown => ({
  wanted: new Map(plan.wanted),
  revisions: new Map(plan.revisions),
  matched: [...plan.profiles].map(([name, own]) => [name, own.matches, sorted(own.matched)]),
  rollout: { ...rollout, waiting: [...rollout.waiting] },
  actions: new Map(actions),
  tallies: [...plan.profiles.keys()].map((name) => {
    const tally = tallies.get(name);
    const of = (verdict: Verdict) => [sorted(tally?.nodes(verdict) ?? []), tally?.failures(verdict).length];
    return [name, tally?.updated, VERDICTS.map(of), waitingOf(name)];
  }),
});
const VERDICTS: readonly Verdict[] = ['ready', 'pending', 'failed', 'drifted', 'unavailable'];

/** A cluster in memory: jobs are done at once, agents when the test says so. */
export class MemoryCluster {
  readonly profiles = new ToldMap<SysctlProfile>();
  readonly nodes = new ToldMap<CachedNode>();
  readonly states = new ToldMap<NodeSysctlState>();
  readonly revisions = new ToldMap<RevisionData>();
  readonly started = new ToldMap<string>();
  /** Every write, as `node kind`. */
  readonly writes: string[] = [];
  readonly #decider: Decider;

  constructor(nodes: readonly CachedNode[]) {
    for (const node of nodes) this.nodes.set(node.metadata.name, node);
    const decider = new Decider(this.world);
    this.#decider = decider;
    this.profiles.changed = () => decider.touchProfiles();
    this.revisions.changed = (name) => decider.touchRevision(name);
    for (const map of [this.nodes, this.states, this.started])
      map.changed = (name) => decider.touchNode(name);
  }

  get world(): World {
    const { nodes, states, revisions, started } = this;
    return { profiles: () => [...this.profiles.values()], nodes, states, revisions, started };
  }

  set(profile: SysctlProfile): void {
    this.profiles.set(profile.metadata.name, profile);
  }

  /** By what has changed since the last time; fails where looking at everything comes to something else. */
  decide(): Decision {
    const decision = this.#decider.decide();
    const [changes, all] = [contentOf(decision), contentOf(new Decider(this.world).decide())];
    if (!isDeepStrictEqual(changes, all))
      throw new Error(`the decision depends on its history: ${inspect({ changes, all }, { depth: 9 })}`);
    return decision;
  }

  /** Reconciles once and does all jobs. */
  reconcile(): Decision {
    const decision = this.decide();
    for (const [name, data] of [
      ...decision.plan.revisions,
      [decision.plan.empty.name, decision.plan.empty.data] as const,
    ])
      this.revisions.set(name, data);
    for (const [node, actions] of decision.actions) for (const action of actions) this.#perform(node, action);
    return decision;
  }

  /** The agent of a node does what its state says, where it runs. */
  agent(name: string, more: Partial<StateDraft> = {}): void {
    const state = this.states.get(name);
    if (!state || this.nodes.get(name)?.labels[AGENT_LABEL] !== 'true') return;
    const data = this.revisions.get(state.spec.revision);
    const patterns = data?.kubelet.allowedUnsafeSysctls ?? [];
    const kubelet: KubeletStatus =
      patterns.length > 0 ? { state: 'Synced', allowedUnsafeSysctls: patterns } : { state: 'Unmanaged' };
    const originals = Object.fromEntries((data?.sysctls ?? []).map((s) => [s.name, 'before']));
    this.states.set(name, nodeState(name, { revision: state.spec.revision, originals, kubelet, ...more }));
  }

  agents(): void {
    for (const name of this.states.keys()) this.agent(name);
  }

  labels(name: string): Record<string, string> {
    return this.nodes.get(name)?.labels ?? {};
  }

  /** Names of the nodes that pods can select by this profile's label. */
  labelled(profile: string): string[] {
    return [...this.nodes.keys()].filter((n) => this.labels(n)[PROFILE_LABEL_PREFIX + profile] === 'ready');
  }

  #perform(name: string, action: NodeAction): void {
    this.writes.push(`${name} ${action.kind}`);
    const node = this.nodes.get(name);
    const state = this.states.get(name);
    if (action.kind === 'createState')
      this.states.set(name, {
        metadata: { name, uid: `state-${name}` },
        spec: { revision: action.revision },
      });
    else if (action.kind === 'setRevision' && state?.spec.revision === action.from)
      this.states.set(name, { ...state, spec: { revision: action.to } });
    else if (action.kind === 'deleteState') this.states.delete(name);
    else if (action.kind === 'setLabels' && node) {
      const labels = Object.entries({ ...node.labels, ...action.labels }).filter(([, v]) => v !== null);
      this.nodes.set(name, { ...node, labels: Object.fromEntries(labels) as Record<string, string> });
    }
  }
}
