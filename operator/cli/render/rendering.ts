import type { SysctlEntry, SysctlProfile } from '../../api/profile.ts';
import { resolveProfile, type Problem } from '../../plan/resolve.ts';
import { describe } from '../../sysctl/catalog/index.ts';
import type { CatalogEntry } from '../../sysctl/catalog/types.ts';
import { normalizeName } from '../../sysctl/names.ts';

/** One entry of a profile as a target sees it. */
export interface Item {
  /** With dots. */
  name: string;
  value: string;
  /** Node: the profile writes it on nodes. Pod: it allows it to pods. */
  lane: 'Node' | 'Pod';
  entry: SysctlEntry;
  catalog: CatalogEntry | undefined;
}

export interface Input {
  profile: SysctlProfile;
  items: Item[];
  /** Entries that the operator itself leaves out. */
  problems: Problem[];
  /** What kubelets must allow. */
  patterns: string[];
}

export interface Output {
  text: string;
  /** What the target has no place for, one sentence each. */
  lost: string[];
}

export type Render = (input: Input) => Output | Promise<Output>;

/** Takes a profile apart, with the operator's own rules. */
export function inputOf(profile: SysctlProfile): Input {
  const problems: Problem[] = [];
  const items: Item[] = [];
  for (const entry of profile.spec.sysctls ?? []) {
    const alone = resolveProfile({ ...profile, spec: { ...profile.spec, sysctls: [entry], pods: {} } });
    problems.push(...alone.problems);
    const lane = alone.resolved[0]?.lane;
    if (!lane) continue;
    const name = normalizeName(entry.name);
    items.push({ name, value: String(entry.value), lane, entry, catalog: describe(name) });
  }
  return { profile, items, problems, patterns: resolveProfile(profile).patterns };
}

/** A bound that a target knows only as a value. */
export const lostMatch = ({ name, value, entry }: Item): string[] =>
  (entry.match ?? 'Exact') === 'Exact'
    ? []
    : [
        `${name}: ${entry.match} is lost; ${value} is set even where the node has ${entry.match === 'AtLeast' ? 'more' : 'less'}`,
      ];

/** What a node's own configuration says nothing of, whoever applies it; `optional` keys: what it does where the kernel has none. */
export const lostOfNodes = (items: readonly Item[]): string[] => [
  ...items.flatMap(lostMatch),
  ...items
    .filter(({ entry }) => entry.optional)
    .map(({ name }) => `${name}: optional is lost; a kernel that does not have it is an error`),
  'which nodes, the careful rollout, drift and putting the old values back',
];

/** What the nodes do not need to know when only the pods' part is asked for. */
export const lostPatterns = ({ patterns }: Input): string[] =>
  patterns.length === 0
    ? []
    : [`allowed to pods (${patterns.join(', ')}): the kubelet's part; see --to kubelet`];
