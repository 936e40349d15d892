import { AGENT_LABEL, PROFILE_LABEL_PREFIX } from '../../../operator/api/names.ts';
import type { RevisionData } from '../../../operator/api/revision.ts';
import type { KubeletStatus, NodeSysctlState, NodeSysctlStateStatus } from '../../../operator/api/state.ts';
import type { CachedNode } from '../../../operator/manager/caches.ts';
import { decide, type Decision } from '../../../operator/manager/decide.ts';
import type { NodeAction } from '../../../operator/manager/node-actions.ts';
import { Planner } from '../../../operator/plan/plan.ts';
import type { SysctlProfile } from '../../../operator/api/profile.ts';

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
    metadata: { name, uid: `state-${name}`, resourceVersion: '7' },
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

/** A cluster in memory: jobs are done at once, agents when the test says so. */
export class MemoryCluster {
  readonly profiles = new Map<string, SysctlProfile>();
  readonly nodes = new Map<string, CachedNode>();
  readonly states = new Map<string, NodeSysctlState>();
  readonly revisions = new Map<string, RevisionData>();
  readonly started = new Map<string, string>();
  /** Every write, as `node kind`. */
  readonly writes: string[] = [];
  readonly #planner = new Planner();

  constructor(nodes: readonly CachedNode[]) {
    for (const node of nodes) this.nodes.set(node.metadata.name, node);
  }

  set(profile: SysctlProfile): void {
    this.profiles.set(profile.metadata.name, profile);
  }

  decide(): Decision {
    const { nodes, states, revisions, started } = this;
    return decide(this.#planner, {
      profiles: [...this.profiles.values()],
      nodes,
      states,
      revisions,
      started,
    });
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
