import type { RevisionData, RevisionSysctl } from '../../api/revision.ts';
import type { Deviation, NodeSysctlState } from '../../api/state.ts';

/** Agents cut the list of deviations here: what is not in a full list may be out of sync all the same. */
const MAX_DEVIATIONS = 100;

export type EntriesByName = ReadonlyMap<string, readonly RevisionSysctl[]>;

/** What the state of a node tells of one key. */
export interface LiveKey {
  /** The value in the kernel. */
  value?: string;
  /** Kept by a bound and never written: the kernel's value is on the right side of it, and not told. */
  bound?: string;
  /** What was there before the operator wrote it. */
  original?: string;
  deviation?: Deviation;
}

/** What a node's state tells. A node without an agent, or a key that no revision of it has, tells nothing. */
export interface LiveNode {
  read: boolean;
  observed: EntriesByName;
  key(name: string): LiveKey;
}

const indexes = new WeakMap<RevisionData, EntriesByName>();

/** Entries of a revision by key: an Exact one alone, or up to two bounds. */
export function entriesOf(data: RevisionData): EntriesByName {
  const known = indexes.get(data);
  if (known) return known;
  const map = new Map<string, RevisionSysctl[]>();
  for (const entry of data.sysctls) {
    const own = map.get(entry.name);
    if (own) own.push(entry);
    else map.set(entry.name, [entry]);
  }
  indexes.set(data, map);
  return map;
}

/** "262144", "AtLeast 8192", or both bounds: as people write it. */
export const describeEntries = (entries: readonly RevisionSysctl[]): string =>
  entries.map((e) => (e.match === 'Exact' ? e.value : `${e.match} ${e.value}`)).join(', ');

const NOTHING: EntriesByName = new Map();

/** What is known of the live values of a node: the values of the revision that its agent observed, but for the deviations. */
export function liveNode(state: NodeSysctlState | undefined, observed: RevisionData | undefined): LiveNode {
  const status = state?.status;
  const entries = observed ? entriesOf(observed) : NOTHING;
  const deviations = new Map(status?.deviations?.map((d) => [d.name, d]));
  const complete = deviations.size < MAX_DEVIATIONS;
  const key = (name: string): LiveKey => {
    const deviation = deviations.get(name);
    const original = status?.originals?.[name];
    const known = { ...(original !== undefined && { original }), ...(deviation && { deviation }) };
    if (deviation) return deviation.live === undefined ? known : { ...known, value: deviation.live };
    const own = entries.get(name);
    const first = own?.[0];
    if (!own || !first || !complete) return known;
    if (first.match === 'Exact') return { ...known, value: first.value };
    // Of two bounds nobody says which one was written.
    if (original !== undefined && own.length === 1) return { ...known, value: first.value };
    return { ...known, bound: describeEntries(own) };
  };
  return { read: status?.observedRevision !== undefined && observed !== undefined, observed: entries, key };
}
