import type { SysctlProfile } from '../../../operator/api/profile.ts';
import type { NodeSysctlState } from '../../../operator/api/state.ts';
import { Planner, type Plan, type PlanNode } from '../../../operator/plan/plan.ts';
import { withCandidates } from '../../../operator/plan/preview/candidates.ts';
import type { PodSysctls } from '../../../operator/plan/preview/kubelet-change.ts';
import { previewOf, type NodeGroup, type Preview } from '../../../operator/plan/preview/preview.ts';
import { nodeState, type StateDraft } from './manager-fakes.ts';

export interface PreviewScene {
  stored?: readonly SysctlProfile[];
  candidates: readonly SysctlProfile[];
  nodes?: readonly PlanNode[];
  states?: readonly NodeSysctlState[];
  /** Plans whose revisions exist beside those of the stored profiles. */
  older?: readonly Plan[];
  pods?: Record<string, PodSysctls[]>;
}

export const node = (name: string, labels: Record<string, string> = {}): PlanNode => ({ name, labels });

export const planned = (profiles: readonly SysctlProfile[], nodes: readonly PlanNode[] = [node('a')]): Plan =>
  new Planner().plan(profiles, nodes);

/** A state whose agent has what these profiles want of a node that they all match. */
export function holding(
  name: string,
  profiles: readonly SysctlProfile[],
  more: Partial<StateDraft> = {},
): NodeSysctlState {
  const plan = planned(profiles, [node(name)]);
  const revision = plan.wanted.get(name) ?? plan.empty.name;
  const list = plan.revisions.get(revision)?.kubelet.allowedUnsafeSysctls ?? [];
  const kubelet = { state: 'Synced' as const, allowedUnsafeSysctls: list };
  return nodeState(name, { revision, ...(list.length > 0 && { kubelet }), ...more });
}

export function preview(scene: PreviewScene): Preview {
  const { stored = [], candidates, nodes = [node('a')], states = [], older = [], pods } = scene;
  return previewOf({
    before: planned(stored, nodes),
    after: planned(withCandidates(stored, candidates), nodes),
    candidates: candidates.map((p) => p.metadata.name),
    nodes: nodes.map((n) => n.name),
    states: new Map(states.map((s) => [s.metadata.name, s])),
    revisions: new Map(older.flatMap((plan) => [...plan.revisions])),
    ...(pods && { pods: new Map(Object.entries(pods)) }),
  });
}

/** The one group that the scene comes to. */
export function only(scene: PreviewScene): NodeGroup {
  const { groups } = preview(scene);
  if (groups.length !== 1 || !groups[0]) throw new Error(`${groups.length} groups`);
  return groups[0];
}
