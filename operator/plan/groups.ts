import type { KernelStatus } from '../api/state.ts';
import type { KernelView } from '../sysctl/kernel/view.ts';
import { compose, type Composition, type Contributor } from './compose.ts';
import type { Resolution } from './disagreement.ts';
import { differencesIn, namesIn, viewOf } from './kernels.ts';
import { resolveProfile, type ResolvedProfile } from './resolve.ts';
import type { LabelMatcher } from './selectors.ts';

export interface PlanNode {
  name: string;
  labels: Readonly<Record<string, string>>;
  /** What its agent found; undefined before that, and then the catalog holds. */
  kernel?: KernelStatus | undefined;
  kernelRelease?: string | undefined;
}

/** A profile as the catalog resolves it. */
export interface Compiled extends Contributor {
  matches: LabelMatcher;
  enforced: boolean;
}

/** All nodes that the same profiles match and whose kernels are alike in what these are about: they share one revision. */
export interface Group {
  /** In order of precedence, resolved for these kernels. */
  profiles: readonly Compiled[];
  enforced: readonly string[];
  composition: Composition | undefined;
  /** By name. */
  nodes: Map<string, PlanNode>;
}

function makeGroup(matching: readonly Compiled[], kernel: KernelView | undefined): Group {
  const profiles = kernel
    ? matching.map((c): Compiled => ({ ...c, resolved: resolveProfile(c.profile, kernel) }))
    : matching;
  const enforced = profiles.filter((c) => c.enforced);
  return {
    profiles,
    enforced: enforced.map((c) => c.profile.metadata.name),
    composition: enforced.length > 0 ? compose(enforced) : undefined,
    nodes: new Map(),
  };
}

/** The nodes that the same profiles match, apart by kernel as far as that makes a difference to these profiles. */
export class Family {
  readonly #matching: readonly Compiled[];
  readonly #names: readonly string[];
  readonly #groups = new Map<string, Group>();
  readonly #byKernel = new WeakMap<KernelStatus, Group>();

  constructor(matching: readonly Compiled[]) {
    this.#matching = matching;
    this.#names = namesIn(matching.map((c) => c.profile));
  }

  get groups(): Iterable<Group> {
    return this.#groups.values();
  }

  groupOf(kernel: KernelStatus | undefined): Group {
    if (!kernel) return this.#alike('', undefined);
    let group = this.#byKernel.get(kernel);
    if (!group) {
      const view = viewOf(kernel);
      group = this.#alike(differencesIn(this.#names, view), view);
      this.#byKernel.set(kernel, group);
    }
    return group;
  }

  #alike(differences: string, view: KernelView | undefined): Group {
    let group = this.#groups.get(differences);
    if (!group) {
      group = makeGroup(this.#matching, differences === '' ? undefined : view);
      this.#groups.set(differences, group);
    }
    return group;
  }
}

/** The same profile in these groups: each way that it was resolved once, with the nodes that it was resolved so for. */
export function resolutionsOf(name: string, groups: readonly Group[]): Resolution[] {
  const found = new Map<ResolvedProfile, Group[]>();
  for (const group of groups) {
    const own = group.profiles.find((c) => c.profile.metadata.name === name);
    if (own) found.set(own.resolved, [...(found.get(own.resolved) ?? []), group]);
  }
  return [...found].map(([resolved, same]) => ({
    resolved,
    count: same.reduce((sum, { nodes }) => sum + nodes.size, 0),
    nodes: () => same.flatMap(({ nodes }) => [...nodes.values()]),
  }));
}
