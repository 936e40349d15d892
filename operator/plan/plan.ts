import type { SysctlProfile } from '../api/profile.ts';
import type { RevisionData } from '../api/revision.ts';
import { byPrecedence, compose } from './compose.ts';
import { Family, type Compiled, type Group, type PlanNode } from './groups.ts';
import { profilePlan, type ProfilePlan } from './profile-plan.ts';
import { resolveProfile, type ResolvedProfile } from './resolve.ts';
import { compileSelector, type LabelMatcher, type Labels } from './selectors.ts';

export type { PlanNode } from './groups.ts';
export type { ProfilePlan } from './profile-plan.ts';

/** What all nodes must have. */
export interface Plan {
  /** Contents by name; a handful, however many nodes there are. */
  revisions: ReadonlyMap<string, RevisionData>;
  /** Revision by node, for the nodes that a profile with mode Enforce matches. */
  wanted: ReadonlyMap<string, string>;
  /** What a node must have that nothing matches any more. */
  empty: { name: string; data: RevisionData };
  profiles: ReadonlyMap<string, ProfilePlan>;
  /** Names of the enforced profiles that match the node. */
  profilesOf: (node: string) => readonly string[];
  /** What this profile needs in the allow-list of this node's kubelet: what its kernel cannot give to pods is left out. */
  patternsOf: (node: string, profile: string) => readonly string[];
}

const EMPTY = compose([]);

const nameOf = ({ profile }: Compiled): string => profile.metadata.name;

interface Member {
  node: PlanNode;
  group: Group;
}

/**
 * Profiles × nodes → revisions. The result depends on the profiles and nodes alone; what is remembered between calls only saves work: how
 * a generation of a profile was resolved, which profiles match a node's labels, and where every node belongs, so that one
 * node that changes is one node's work.
 */
export class Planner {
  #compiled: readonly Compiled[] = [];
  #resolved = new Map<string, { resolved: ResolvedProfile; matches: LabelMatcher }>();
  #signature = '';
  #families = new Map<string, Family>();
  #memberships = new WeakMap<Labels, Family>();
  readonly #members = new Map<string, Member>();
  readonly #wanted = new Map<string, string>();
  #profiles = new Map<string, ProfilePlan>();
  #revisions: ReadonlyMap<string, RevisionData> | undefined;

  /** The plan of the profiles and nodes as they were set last: it moves with them. */
  readonly current: Plan = this.#view();

  /** The plan of these profiles and nodes and no others. */
  plan(profiles: readonly SysctlProfile[], nodes: Iterable<PlanNode>): Plan {
    this.setProfiles(profiles);
    const names = new Set<string>();
    for (const node of nodes) {
      names.add(node.name);
      this.setNode(node);
    }
    for (const name of this.#members.keys()) if (!names.has(name)) this.removeNode(name);
    return this.current;
  }

  /** Takes the profiles as they are now. True when a spec is another one: then every node may belong elsewhere, and was looked at again. */
  setProfiles(profiles: readonly SysctlProfile[]): boolean {
    const before = this.#signature;
    this.#compiled = this.#compile(profiles);
    this.#profiles = new Map();
    if (this.#signature === before) return false;
    this.#wanted.clear();
    this.#revisions = undefined;
    for (const { node } of this.#members.values()) this.#place(node);
    return true;
  }

  /** A node came or changed. */
  setNode(node: PlanNode): void {
    const before = this.#members.get(node.name);
    const group = this.#place(node);
    if (before?.group === group) {
      if (before.node.kernelRelease !== node.kernelRelease) this.#forget(group);
      return;
    }
    if (before) this.#leave(before);
    this.#forget(group);
  }

  /** A node went. */
  removeNode(name: string): void {
    const member = this.#members.get(name);
    if (!member) return;
    this.#members.delete(name);
    this.#wanted.delete(name);
    this.#leave(member);
  }

  #place(node: PlanNode): Group {
    const { name, labels, kernel } = node;
    const group = this.#familyOf(labels).groupOf(kernel);
    this.#members.set(name, { node, group });
    group.nodes.set(name, node);
    if (group.composition) this.#wanted.set(name, group.composition.name);
    else this.#wanted.delete(name);
    return group;
  }

  #leave({ node, group }: Member): void {
    group.nodes.delete(node.name);
    this.#forget(group);
  }

  /** What was made of these profiles is made again when somebody asks. */
  #forget(group: Group): void {
    // Its revision is one of the plan's while it has nodes.
    if (group.nodes.size <= 1) this.#revisions = undefined;
    for (const own of group.profiles) this.#profiles.delete(nameOf(own));
  }

  #view(): Plan {
    const revisions = (): ReadonlyMap<string, RevisionData> => (this.#revisions ??= this.#contents());
    const profiles = (): ReadonlyMap<string, ProfilePlan> => this.#profilePlans();
    const members = this.#members;
    return {
      get revisions() {
        return revisions();
      },
      get profiles() {
        return profiles();
      },
      wanted: this.#wanted,
      empty: { name: EMPTY.name, data: EMPTY.data },
      profilesOf: (node) => members.get(node)?.group.enforced ?? [],
      patternsOf: (node, profile) =>
        members.get(node)?.group.profiles.find((c) => nameOf(c) === profile)?.resolved.patterns ?? [],
    };
  }

  #groups(): Group[] {
    return [...this.#families.values()].flatMap((f) => [...f.groups]).filter(({ nodes }) => nodes.size > 0);
  }

  #contents(): ReadonlyMap<string, RevisionData> {
    const compositions = this.#groups().flatMap(({ composition }) => composition ?? []);
    return new Map(compositions.map(({ name, data }) => [name, data]));
  }

  #profilePlans(): ReadonlyMap<string, ProfilePlan> {
    if (this.#profiles.size === this.#compiled.length) return this.#profiles;
    const groups = this.#groups();
    const known = this.#profiles;
    this.#profiles = new Map(
      this.#compiled.map((own) => [nameOf(own), known.get(nameOf(own)) ?? profilePlan(own, groups)]),
    );
    return this.#profiles;
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

  #familyOf(labels: Labels): Family {
    const known = this.#memberships.get(labels);
    if (known) return known;
    const matching = this.#compiled.filter((c) => c.matches(labels));
    const key = matching.map(nameOf).join('\n');
    const family = this.#families.get(key) ?? new Family(matching);
    this.#families.set(key, family);
    this.#memberships.set(labels, family);
    return family;
  }
}
