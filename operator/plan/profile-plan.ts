import type { ResolvedSysctl, SysctlProfile } from '../api/profile.ts';
import type { Conflict, Overridden } from './compose.ts';
import { agreedSysctls, allProblems } from './disagreement.ts';
import { resolutionsOf, type Compiled, type Group } from './groups.ts';
import type { Problem } from './resolve.ts';

/** What became of one profile. */
export interface ProfilePlan {
  profile: SysctlProfile;
  /** How many nodes it matches. */
  matches: number;
  /** Their names. */
  readonly matched: readonly string[];
  /** No entry had to be left out. */
  accepted: boolean;
  problems: readonly Problem[];
  resolved: readonly ResolvedSysctl[];
  /** What it needs in the kubelet's allow-list, on any of its nodes. */
  patterns: readonly string[];
  conflicts: readonly (Conflict & { nodes: number })[];
  overridden: readonly Overridden[];
  enforced: boolean;
}

/** What became of a profile in these groups of nodes, each of which has nodes. */
export function profilePlan(own: Compiled, groups: readonly Group[]): ProfilePlan {
  const { name } = own.profile.metadata;
  const matching = groups.filter((group) => group.profiles.some((p) => p.profile.metadata.name === name));
  const conflicts = new Map<string, Conflict & { nodes: number }>();
  const overridden = new Map<string, Overridden>();
  for (const { composition, nodes } of matching) {
    for (const conflict of composition?.conflicts.get(name) ?? []) {
      const key = `${conflict.name} ${conflict.other} ${conflict.wins}`;
      conflicts.set(key, { ...conflict, nodes: (conflicts.get(key)?.nodes ?? 0) + nodes.size });
    }
    for (const one of composition?.overridden.get(name) ?? []) overridden.set(`${one.name} ${one.by}`, one);
  }
  const resolutions = resolutionsOf(name, matching);
  if (resolutions.length === 0) resolutions.push({ resolved: own.resolved, count: 0, nodes: () => [] });
  const problems = allProblems(resolutions);
  let matched: string[] | undefined;
  return {
    profile: own.profile,
    matches: matching.reduce((sum, { nodes }) => sum + nodes.size, 0),
    get matched() {
      return (matched ??= matching.flatMap(({ nodes }) => [...nodes.keys()]));
    },
    accepted: problems.length === 0,
    problems,
    resolved: agreedSysctls(resolutions),
    patterns: [...new Set(resolutions.flatMap(({ resolved }) => resolved.patterns))].toSorted(),
    conflicts: [...conflicts.values()],
    overridden: [...overridden.values()],
    enforced: own.enforced,
  };
}
