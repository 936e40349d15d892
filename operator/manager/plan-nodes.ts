import type { NodeSysctlState } from '../api/state.ts';
import type { PlanNode } from '../plan/plan.ts';
import type { CachedNode } from './caches.ts';

/** A node as the planner takes it; undefined for other systems, which have no sysctls of this kind and run no agent. */
export function planNode(node: CachedNode, state: NodeSysctlState | undefined): PlanNode | undefined {
  const { metadata, labels } = node;
  if ((labels['kubernetes.io/os'] ?? 'linux') !== 'linux') return undefined;
  const { kernel, kernelRelease } = state?.status ?? {};
  return { name: metadata.name, labels, kernel, kernelRelease };
}

/** All of them. */
export const planNodes = (
  nodes: ReadonlyMap<string, CachedNode>,
  states: ReadonlyMap<string, NodeSysctlState>,
): PlanNode[] => [...nodes].flatMap(([name, node]) => planNode(node, states.get(name)) ?? []);
