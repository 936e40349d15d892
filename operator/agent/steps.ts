import type { RevisionData, RevisionSysctl } from '../api/revision.ts';
import type { Deviation } from '../api/state.ts';
import { writeOrder } from '../sysctl/order.ts';
import { checkShape, sameValue, satisfies } from '../sysctl/values.ts';
import type { LedgerEntry } from './ledger.ts';

/** A live value, or why there is none. */
export type Live = { value: string } | { errno: string; message: string };

/** One change of one key, decided and not yet done. */
export interface Step {
  kind: 'write' | 'restore';
  name: string;
  from: string;
  to: string;
  /** The revision's entry; absent when a key is put back. */
  entry?: RevisionSysctl;
}

export interface Steps {
  /** In an order that coupled keys accept. */
  steps: Step[];
  /** Ledger entries that need no write any more: put back already, or not to be put back. */
  drop: string[];
  /** Entries that cannot be what they must be, and values that somebody else owns. */
  deviations: Deviation[];
}

export interface StepsInput {
  data: RevisionData;
  ledger: ReadonlyMap<string, LedgerEntry>;
  live: (name: string) => Live;
}

/** The value is one that this program put there. */
export const isOurs = (name: string, live: string, { written, previous }: LedgerEntry): boolean =>
  sameValue(name, written, live) || (previous !== undefined && sameValue(name, previous, live));

const meets = (entries: readonly RevisionSysctl[], name: string, value: string): boolean =>
  entries.every((entry) => satisfies(name, value, entry.value, entry.match));

/** A revision never changes. */
const grouped = new WeakMap<RevisionData, ReadonlyMap<string, readonly RevisionSysctl[]>>();

/** Entries of one key, an Exact one alone or up to two bounds, by name. */
export function entriesByName(data: RevisionData): ReadonlyMap<string, readonly RevisionSysctl[]> {
  const known = grouped.get(data);
  if (known) return known;
  const map = Map.groupBy(data.sysctls, ({ name }) => name);
  grouped.set(data, map);
  return map;
}

/**
 * The value that a key must have, or undefined when the live one is good. A bound is measured against the original where the live
 * value is our own: an AtLeast that is lowered takes the value back down.
 */
function target(
  entries: readonly RevisionSysctl[],
  name: string,
  live: string,
  known: LedgerEntry | undefined,
): RevisionSysctl | 'original' | undefined {
  const violated = entries.find((entry) => !satisfies(name, live, entry.value, entry.match));
  if (entries.some((entry) => entry.match === 'Exact') || !known || !isOurs(name, live, known))
    return violated;
  const from = entries.find((entry) => !satisfies(name, known.original, entry.value, entry.match));
  if (from) return sameValue(name, from.value, live) ? undefined : from;
  return sameValue(name, known.original, live) ? undefined : 'original';
}

function wantedSteps(input: StepsInput, out: Steps): void {
  for (const [name, entries] of entriesByName(input.data)) {
    const first = entries[0];
    const live = input.live(name);
    if (!first) continue;
    const desired = entries.map((e) => (e.match === 'Exact' ? e.value : `${e.match} ${e.value}`)).join(', ');
    if ('errno' in live) {
      out.deviations.push({
        name,
        desired,
        state: live.errno === 'ENOENT' ? 'Unsupported' : 'Failed',
        message: live.message,
      });
      continue;
    }
    const known = input.ledger.get(name);
    const to = target(entries, name, live.value, known);
    if (to === undefined) continue;
    if (to === 'original') {
      out.steps.push({ kind: 'restore', name, from: live.value, to: known?.original ?? live.value });
      continue;
    }
    const problem = checkShape(name, to.value, live.value);
    if (problem)
      out.deviations.push({
        name,
        desired,
        live: live.value,
        state: 'Failed',
        message: `${name}: ${problem}; nothing was written`,
      });
    else out.steps.push({ kind: 'write', name, from: live.value, to: to.value, entry: to });
  }
}

function unwantedSteps(input: StepsInput, out: Steps): void {
  const wanted = entriesByName(input.data);
  for (const [name, known] of input.ledger) {
    if (wanted.has(name)) continue;
    const live = input.live(name);
    if (known.removal === 'Keep') out.drop.push(name);
    else if ('errno' in live) {
      // A key that went away with its device or module has no value to put back; one that cannot be read is tried again.
      if (live.errno === 'ENOENT') out.drop.push(name);
      else
        out.deviations.push({
          name,
          desired: known.original,
          state: 'Failed',
          message: `${live.message}; it could not be put back to ${known.original}`,
        });
    } else if (sameValue(name, known.original, live.value)) out.drop.push(name);
    else if (isOurs(name, live.value, known))
      out.steps.push({ kind: 'restore', name, from: live.value, to: known.original });
    else {
      out.drop.push(name);
      const message = `${name}: somebody else wrote ${live.value} over our ${known.written}; it is theirs now and was not put back to ${known.original}`;
      out.deviations.push({ name, desired: known.original, live: live.value, state: 'Foreign', message });
    }
  }
}

/** What must be done so that the node has what the revision says, and nothing else of ours. Pure. */
export function planSteps(input: StepsInput): Steps {
  const out: Steps = { steps: [], drop: [], deviations: [] };
  wantedSteps(input, out);
  unwantedSteps(input, out);
  return { ...out, steps: writeOrder(out.steps) };
}

/** The live value meets every entry of the key. */
export const inSync = (entries: readonly RevisionSysctl[], name: string, live: Live): boolean =>
  'value' in live && meets(entries, name, live.value);
