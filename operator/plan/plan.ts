import type { ResolvedSysctl, SysctlProfile } from '../api/profile.ts';
import type { RevisionData } from '../api/revision.ts';
import { byPrecedence, compose, type Conflict, type Overridden } from './compose.ts';
import { agreedSysctls, allProblems } from './disagreement.ts';
import { Family, resolutionsOf, type Compiled, type Group, type PlanNode } from './groups.ts';
import { resolveProfile, type Problem, type ResolvedProfile } from './resolve.ts';
import { compileSelector, type LabelMatcher, type Labels } from './selectors.ts';

export type { PlanNode } from './groups.ts';

/** What became of one profile. */
export interface ProfilePlan {
  profile: SysctlProfile;
  matched: readonly string[];
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

export interface Plan {
  /** Contents by name; a handful, however many nodes there are. */
  revisions: ReadonlyMap<string, RevisionData>;
  /** Revision by node, for the nodes that a profile with mode Enforce matches. */
  wanted: ReadonlyMap<string, string>;
  /** What a node must have that nothing matches any more. */
  empty: { name: string; data: RevisionData };
  profiles: ReadonlyMap<string, ProfilePlan>;
  /** Names of the enforced profiles that match the node. */
  profilesOf(node: string): readonly string[];
  /** What this profile needs in the allow-list of this node's kubelet: what its kernel cannot give to pods is left out. */
  patternsOf(node: string, profile: string): readonly string[];
}

const EMPTY = compose([]);

/**
 * Profiles × nodes → revisions. The result depends on the arguments alone; what is remembered between calls only saves
 * work: how a generation of a profile was resolved, and which profiles match a node's labels.
 */
export class Planner {
  #resolved = new Map<string, { resolved: ResolvedProfile; matches: LabelMatcher }>();
  #signature = '';
  #families = new Map<string, Family>();
  #memberships = new WeakMap<Labels, Family>();

  plan(profiles: readonly SysctlProfile[], nodes: readonly PlanNode[]): Plan {
    const compiled = this.#compile(profiles);
    for (const family of this.#families.values()) for (const group of family.groups) group.nodes = [];
    const membership = new Map<string, Group>();
    const wanted = new Map<string, string>();
    for (const node of nodes) {
      const group = this.#familyOf(compiled, node.labels).groupOf(node.kernel);
      if (group.profiles.length === 0) continue;
      group.nodes.push(node);
      membership.set(node.name, group);
      if (group.composition) wanted.set(node.name, group.composition.name);
    }
    const groups = [...this.#families.values()]
      .flatMap((family) => [...family.groups])
      .filter((group) => group.nodes.length > 0);
    const revisions = new Map<string, RevisionData>();
    for (const { composition } of groups) if (composition) revisions.set(composition.name, composition.data);
    return {
      revisions,
      wanted,
      empty: { name: EMPTY.name, data: EMPTY.data },
      profiles: new Map(compiled.map((c) => [c.profile.metadata.name, profilePlan(c, groups)])),
      profilesOf: (node) => membership.get(node)?.enforced ?? [],
      patternsOf: (node, profile) =>
        membership.get(node)?.profiles.find((c) => c.profile.metadata.name === profile)?.resolved.patterns ??
        [],
    };
  }

  #compile(profiles: readonly SysctlProfile[]): Compiled[] {
    const present = profiles.filter((p) => !p.metadata.deletionTimestamp).toSorted(byPrecedence);
    const keys = present.map(({ metadata: m }, i) =>
      m.generation === undefined ? `${m.name}#${i}#${Math.random()}` : `${m.name}/${m.uid}/${m.generation}`,
    );
    const known = this.#resolved;
    this.#resolved = new Map();
    const compiled = present.map((profile, i) => {
      const key = keys[i] ?? '';
      const parts = known.get(key) ?? {
        resolved: resolveProfile(profile),
        matches: compileSelector(profile.spec.nodeSelector),
      };
      this.#resolved.set(key, parts);
      return { ...parts, profile, enforced: (profile.spec.mode ?? 'Enforce') === 'Enforce' };
    });
    const signature = keys.join('\n');
    if (signature !== this.#signature) {
      this.#signature = signature;
      this.#families = new Map();
      this.#memberships = new WeakMap();
    }
    return compiled;
  }

  #familyOf(compiled: readonly Compiled[], labels: Labels): Family {
    const known = this.#memberships.get(labels);
    if (known) return known;
    const matching = compiled.filter((c) => c.matches(labels));
    const key = matching.map((c) => c.profile.metadata.name).join('\n');
    const family = this.#families.get(key) ?? new Family(matching);
    this.#families.set(key, family);
    this.#memberships.set(labels, family);
    return family;
  }
}

function profilePlan(own: Compiled, groups: readonly Group[]): ProfilePlan {
  const { name } = own.profile.metadata;
  const matching = groups.filter((group) => group.profiles.some((p) => p.profile.metadata.name === name));
  const conflicts = new Map<string, Conflict & { nodes: number }>();
  const overridden = new Map<string, Overridden>();
  for (const { composition, nodes } of matching) {
    for (const conflict of composition?.conflicts.get(name) ?? []) {
      const key = `${conflict.name} ${conflict.other} ${conflict.wins}`;
      conflicts.set(key, { ...conflict, nodes: (conflicts.get(key)?.nodes ?? 0) + nodes.length });
    }
    for (const one of composition?.overridden.get(name) ?? []) overridden.set(`${one.name} ${one.by}`, one);
  }
  const resolutions = resolutionsOf(name, matching);
  if (resolutions.length === 0) resolutions.push({ resolved: own.resolved, nodes: [] });
  const problems = allProblems(resolutions);
  return {
    profile: own.profile,
    matched: matching.flatMap((group) => group.nodes.map((node) => node.name)),
    accepted: problems.length === 0,
    problems,
    resolved: agreedSysctls(resolutions),
    patterns: [...new Set(resolutions.flatMap(({ resolved }) => resolved.patterns))].toSorted(),
    conflicts: [...conflicts.values()],
    overridden: [...overridden.values()],
    enforced: own.enforced,
  };
}
