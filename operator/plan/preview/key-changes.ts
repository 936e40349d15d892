import type { RevisionSysctl } from '../../api/revision.ts';
import { sameValue, satisfies } from '../../sysctl/values.ts';
import { describeEntries, type EntriesByName, type LiveKey, type LiveNode } from './live.ts';

/**
 * same: the kernel has it. write: another value would be written. unread: it would be written unless the kernel has it already, which
 * nobody has looked at yet. restore: no profile wants it any more, the old value comes back. release: no longer kept, the value stays.
 * blocked: the agent wants it already and cannot (or, with driftPolicy Report, may not) bring it about.
 */
export type ChangeKind = 'same' | 'write' | 'unread' | 'restore' | 'release' | 'blocked';

/** What would become of one key on one node. */
export interface KeyChange {
  name: string;
  kind: ChangeKind;
  /** Absent: not read yet. */
  live?: string;
  /** What the kernel would have; absent where the value stays. */
  to?: string;
  /** The profile that decides; for a key that leaves, the one that had it. */
  by: string;
  /** What the agent says of it. */
  message?: string;
}

export interface KeyInput {
  /** What the node must have as the cluster is. */
  before: EntriesByName;
  /** What it must have with the previewed profiles. */
  after: EntriesByName;
  live: LiveNode;
  /** The previewed profiles. */
  candidates: ReadonlySet<string>;
}

const concerns = (entries: readonly RevisionSysctl[] | undefined, names: ReadonlySet<string>): boolean =>
  entries?.some((e) => names.has(e.profile) || e.also?.some((name) => names.has(name))) ?? false;

const asked = (entries: readonly RevisionSysctl[] | undefined): string =>
  entries ? describeEntries(entries) : '';

/** What a wish that is there already and does not hold comes to; undefined where the agent would still write. */
function stuck(
  entries: readonly RevisionSysctl[],
  { deviation }: LiveKey,
): Pick<KeyChange, 'message'> | undefined {
  if (!deviation) return undefined;
  const reported = deviation.state === 'Drifted' && entries.every((e) => e.drift === 'Report');
  if (deviation.state === 'Drifted' && !reported) return undefined;
  return { message: deviation.message ?? deviation.state };
}

/** The value that the agent would write, or undefined where the live one is good: a bound is measured against the original. */
function target(entries: readonly RevisionSysctl[], value: string, known: LiveKey): string | undefined {
  const violated = entries.find((e) => !satisfies(e.name, value, e.value, e.match));
  const { original } = known;
  if (entries[0]?.match === 'Exact' || original === undefined) return violated?.value;
  const to = entries.find((e) => !satisfies(e.name, original, e.value, e.match))?.value ?? original;
  return sameValue(entries[0]?.name ?? '', to, value) ? undefined : to;
}

function wanted(entries: readonly RevisionSysctl[], name: string, live: LiveNode): KeyChange {
  const known = live.key(name);
  const base = { name, by: entries[0]?.profile ?? '' };
  const shown = known.value ?? known.bound;
  const at = shown === undefined ? base : { ...base, live: shown };
  if (asked(live.observed.get(name)) === asked(entries)) {
    const why = stuck(entries, known);
    if (why) return { ...at, kind: 'blocked', to: asked(entries), ...why };
    if (!known.deviation && shown !== undefined) return { ...at, kind: 'same' };
  }
  if (known.value === undefined) return { ...at, kind: 'unread', to: asked(entries) };
  const to = target(entries, known.value, known);
  return to === undefined ? { ...at, kind: 'same' } : { ...at, kind: 'write', to };
}

function unwanted(entries: readonly RevisionSysctl[], name: string, live: LiveNode): KeyChange {
  const { value, bound, original } = live.key(name);
  const first = entries[0];
  const shown = value ?? bound;
  const base = { name, by: first?.profile ?? '', ...(shown !== undefined && { live: shown }) };
  if (first?.removal === 'Keep' || original === undefined) return { ...base, kind: 'release' };
  return { ...base, kind: 'restore', to: original };
}

/** What would become of the keys that the previewed profiles decide, change or give up on one node. Sorted by name. Pure. */
export function keyChanges({ before, after, live, candidates }: KeyInput): KeyChange[] {
  const changes: KeyChange[] = [];
  for (const [name, entries] of after)
    if (concerns(entries, candidates) || asked(before.get(name)) !== asked(entries))
      changes.push(wanted(entries, name, live));
  const gone = new Map([...live.observed, ...before].filter(([name]) => !after.has(name)));
  for (const [name, entries] of gone) {
    // A key that leaves whatever becomes of the previewed profiles is somebody else's change.
    if (!before.has(name) && !concerns(entries, candidates)) continue;
    if (live.observed.has(name)) changes.push(unwanted(entries, name, live));
  }
  return changes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Something in the kernel, or in what is kept there, would not be as it is. */
export const isChange = ({ kind }: KeyChange): boolean => kind !== 'same' && kind !== 'blocked';
