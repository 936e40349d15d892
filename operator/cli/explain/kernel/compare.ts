import { release as kernelRelease } from 'node:os';
import type { CatalogEntry } from '../../../sysctl/catalog/types.ts';
import type { Known } from '../find.ts';
import { freshOf, judge } from './judge.ts';
import { measure, type Measurement } from './measure.ts';

export interface Difference {
  field: 'namespace' | 'presence' | 'writable' | 'arity' | 'default' | 'from';
  catalog: unknown;
  kernel: unknown;
}

/** What this kernel says of one key: `found` is undefined where it does not have it. */
export interface Measured {
  release: string;
  found?: Pick<CatalogEntry, 'namespace' | 'writable' | 'newNamespace' | 'arity'> & {
    value: string | undefined;
  };
  differences: Difference[];
}

const DEVICE = /^(net\.ipv[46]\.(?:conf|neigh)\.)(?!all\.|default\.)[^.]+(\.[^.]+)$/;
/** Texts and lists can look like one number; their count says nothing. */
const NOT_COUNTED = new Set<CatalogEntry['type']>(['string', 'bitmap', 'hex', 'ports']);

const blanks = (text: string | undefined): string | undefined => text?.trim().replace(/\s+/g, ' ');

function arityOf(entry: CatalogEntry, value: string | undefined): number | null {
  const parts = blanks(value)?.split(' ') ?? [];
  const integers = parts.length > 0 && parts.every((part) => /^-?\d+$/.test(part));
  if (!integers || NOT_COUNTED.has(entry.type)) return entry.arity;
  // How many memory zones there are is the machine's affair, not the kernel's.
  return entry.arity === null && parts.length > 1 ? null : parts.length;
}

/** A fresh value other than the node's proves that it is no copy; the same value proves nothing, so there the catalog stands. */
function fromOf(
  { newNamespace: { from }, writable }: CatalogEntry,
  fresh: string | undefined,
  host: string | undefined,
) {
  const copied = !writable || from !== 'init' || fresh === undefined || host === undefined || fresh === host;
  return copied ? from : 'hardCoded';
}

/** Compares one key with the measurement. Per-interface keys are looked at on lo, which every network namespace has. */
export function compare({ name, entry }: Known, seen: Measurement, release: string): Measured {
  const onLoopback = name.replace(DEVICE, '$1lo$2');
  const file = seen.host.get(name) ?? seen.host.get(onLoopback);
  if (!file) return { release, differences: [] };
  // Whose a read-only file is shows neither in permissions nor by a write, but for net.*: by its absence.
  // And a key that is every namespace's to set, once and for all: only setting it would show that.
  const told = entry.writeOnce
    ? false
    : file.writable || (name.startsWith('net.') && entry.newNamespace.presence !== 'own');
  const place = told
    ? judge(onLoopback, seen)
    : { namespace: entry.namespace, presence: entry.newNamespace.presence };
  const own = place.presence === 'own';
  // A device takes its start from "default"; lo is there before anybody could have changed that.
  const startName = name.replace(DEVICE, '$1default$2');
  const fresh = own ? blanks(freshOf(place.namespace, seen)?.get(startName)?.value) : undefined;
  const host = blanks(seen.host.get(startName)?.value);
  const found = {
    namespace: place.namespace,
    writable: file.writable,
    newNamespace: {
      presence: place.presence,
      default: fresh ?? null,
      from: own ? fromOf(entry, fresh, host) : null,
    },
    arity: arityOf(entry, file.value),
    value: entry.family && name === entry.name ? undefined : blanks(file.value),
  };
  return { release, found, differences: differences(entry, found) };
}

function differences(entry: CatalogEntry, found: NonNullable<Measured['found']>): Difference[] {
  const pairs: [Difference['field'], unknown, unknown][] = [
    ['namespace', entry.namespace, found.namespace],
    ['presence', entry.newNamespace.presence, found.newNamespace.presence],
    ['writable', entry.writable, found.writable],
    ['arity', entry.arity, found.arity],
    ['from', entry.newNamespace.from, found.newNamespace.from],
  ];
  const { default: start, from } = entry.newNamespace;
  // Copies of the node's value differ from machine to machine, and a network namespace that this machine may not look into has none.
  if (start !== null && from === 'hardCoded' && found.newNamespace.default !== null)
    pairs.push(['default', start, found.newNamespace.default]);
  return pairs
    .filter(([, catalog, kernel]) => catalog !== kernel)
    .map(([field, catalog, kernel]) => ({ field, catalog, kernel }));
}

/** Measures this machine's kernel and compares these keys with it, by name. */
export async function measureKernel(keys: readonly Known[]): Promise<ReadonlyMap<string, Measured>> {
  const seen = await measure();
  const release = kernelRelease();
  return new Map(keys.map((key) => [key.name, compare(key, seen, release)]));
}
