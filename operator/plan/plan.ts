import type { ResolvedSysctl, SysctlProfile } from '../api/profile.ts';
import type { RevisionData } from '../api/revision.ts';
import {
  byPrecedence,
  compose,
  type Composition,
  type Conflict,
  type Contributor,
  type Overridden,
} from './compose.ts';
import { resolveProfile, type Problem, type ResolvedProfile } from './resolve.ts';
import { compileSelector, type LabelMatcher, type Labels } from './selectors.ts';

export interface PlanNode {
  name: string;
  labels: Labels;
}

/** What became of one profile. */
export interface ProfilePlan {
  profile: SysctlProfile;
  matched: readonly string[];
  /** No entry had to be left out. */
  accepted: boolean;
  problems: readonly Problem[];
  resolved: readonly ResolvedSysctl[];
  /** What it needs in the kubelet's allow-list. */
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
}

interface Compiled extends Contributor {
  matches: LabelMatcher;
  enforced: boolean;
}

/** All nodes that the same profiles match: they share one revision. */
interface Group {
  profiles: readonly Compiled[];
  enforced: readonly string[];
  composition: Composition | undefined;
  nodes: string[];
}

const EMPTY = compose([]);

/**
 * Profiles × nodes → revisions. The result depends on the arguments alone; what is remembered between calls only saves
 * work: how a generation of a profile was resolved, and which group a node's labels put it into.
 */
export class Planner {
  #resolved = new Map<string, { resolved: ResolvedProfile; matches: LabelMatcher }>();
  #signature = '';
  #groups = new Map<string, Group>();
  #memberships = new WeakMap<Labels, Group>();

  plan(profiles: readonly SysctlProfile[], nodes: readonly PlanNode[]): Plan {
    const compiled = this.#compile(profiles);
    for (const group of this.#groups.values()) group.nodes = [];
    const membership = new Map<string, Group>();
    const wanted = new Map<string, string>();
    for (const { name, labels } of nodes) {
      const group = this.#groupOf(compiled, labels);
      if (group.profiles.length === 0) continue;
      group.nodes.push(name);
      membership.set(name, group);
      if (group.composition) wanted.set(name, group.composition.name);
    }
    const groups = [...this.#groups.values()].filter((group) => group.nodes.length > 0);
    const revisions = new Map<string, RevisionData>();
    for (const { composition } of groups) if (composition) revisions.set(composition.name, composition.data);
    return {
      revisions,
      wanted,
      empty: { name: EMPTY.name, data: EMPTY.data },
      profiles: new Map(compiled.map((c) => [c.profile.metadata.name, profilePlan(c, groups)])),
      profilesOf: (node) => membership.get(node)?.enforced ?? [],
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
      this.#groups = new Map();
      this.#memberships = new WeakMap();
    }
    return compiled;
  }

  #groupOf(compiled: readonly Compiled[], labels: Labels): Group {
    const known = this.#memberships.get(labels);
    if (known) return known;
    const profiles = compiled.filter((c) => c.matches(labels));
    const key = profiles.map((c) => c.profile.metadata.name).join('\n');
    let group = this.#groups.get(key);
    if (!group) {
      const enforced = profiles.filter((c) => c.enforced);
      group = {
        profiles,
        enforced: enforced.map((c) => c.profile.metadata.name),
        composition: enforced.length > 0 ? compose(enforced) : undefined,
        nodes: [],
      };
      this.#groups.set(key, group);
    }
    this.#memberships.set(labels, group);
    return group;
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
  return {
    profile: own.profile,
    matched: matching.flatMap((group) => group.nodes),
    accepted: own.resolved.problems.length === 0,
    problems: own.resolved.problems,
    resolved: own.resolved.resolved,
    patterns: own.resolved.patterns,
    conflicts: [...conflicts.values()],
    overridden: [...overridden.values()],
    enforced: own.enforced,
  };
}
