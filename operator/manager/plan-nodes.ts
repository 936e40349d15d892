import type { PlanNode } from '../plan/plan.ts';
import type { CachedNode } from './caches.ts';
import type { Snapshot } from './decide.ts';

/** Other systems have no sysctls of this kind, and no agent runs there. */
const isLinux = ({ labels }: CachedNode): boolean => (labels['kubernetes.io/os'] ?? 'linux') === 'linux';

/** The nodes of a snapshot as the planner takes them. */
export const planNodes = ({ nodes, states }: Pick<Snapshot, 'nodes' | 'states'>): PlanNode[] =>
  [...nodes.values()].filter(isLinux).map(({ metadata: { name }, labels }) => {
    const { kernel, kernelRelease } = states.get(name)?.status ?? {};
    return { name, labels, kernel, kernelRelease };
  });
