import type { ResolvedSysctl } from '../../api/profile.ts';
import type { Conflict, Overridden } from '../../plan/compose.ts';
import type { NodeGroup } from '../../plan/preview/preview.ts';
import type { Risk } from '../../plan/preview/risks.ts';
import { keySummaries, totalsOf, type KeySummary, type Totals } from '../../plan/preview/summary.ts';
import type { Problem } from '../../plan/resolve.ts';
import type { Planned } from './gather.ts';

interface ProfileData {
  name: string;
  /** Not in the cluster yet. */
  new: boolean;
  matched: number;
  /** How each entry was resolved. */
  sysctls: readonly ResolvedSysctl[];
  /** Entries that are left out, and why. */
  problems: readonly Problem[];
  conflicts: readonly (Conflict & { nodes: number })[];
  overridden: readonly Overridden[];
}

/** What `plan -o json` prints; scripts rely on it. */
export interface PlanData {
  /** Something would change: exit status 2. */
  changes: boolean;
  /** Nodes of the cluster. */
  fleet: number;
  nodes: Totals;
  profiles: ProfileData[];
  sysctls: KeySummary[];
  risks: Risk[];
  /** Every node once, with those for which all is the same. */
  groups: NodeGroup[];
  notes: string[];
}

/** The preview as plain data. Pure. */
export function planData({ preview, notes, fresh }: Planned): PlanData {
  const nodes = totalsOf(preview);
  return {
    changes: nodes.change > 0,
    fleet: preview.fleet,
    nodes,
    profiles: preview.profiles.map((p) => ({
      name: p.profile.metadata.name,
      new: fresh.has(p.profile.metadata.name),
      matched: p.matched.length,
      sysctls: p.resolved,
      problems: p.problems,
      conflicts: p.conflicts,
      overridden: p.overridden,
    })),
    sysctls: keySummaries(preview),
    risks: preview.risks,
    groups: preview.groups,
    notes,
  };
}
