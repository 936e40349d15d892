import type { PlanNode } from '../plan/plan.ts';
import type { CachedNode } from './caches.ts';
import type { Snapshot } from './decide.ts';

/** Other systems have no sysctls of this kind, and no agent runs there. */
const isLinux = ({ labels }: CachedNode): boolean => (labels['kubernetes.io/os'] ?? 'linux') === 'linux';

/** The nodes of a snapshot as the planner takes them. */
export const planNodes = ({ nodes }: Pick<Snapshot, 'nodes'>): PlanNode[] =>
  [...nodes.values()].filter(isLinux).map(({ metadata, labels }) => ({ name: metadata.name, labels }));
