import { normalizeName } from '../names.ts';
import data from './catalog.json' with { type: 'json' };
import { closest } from './closest.ts';
import type { CatalogEntry } from './types.ts';

export type * from './types.ts';

/** catalog.json is what scripts/catalog.ts has checked against these types. */
const entries = data as unknown as readonly CatalogEntry[];
let byName: ReadonlyMap<string, CatalogEntry> | undefined;

/** Families stand for the interfaces of net.ipv4.conf.*, net.ipv6.conf.* and net.ipv[46].neigh.*. */
const INTERFACE = /^(net\.ipv[46]\.(?:conf|neigh)\.)([^.]+)(\.[^.]+)$/;

/** All sysctls and families, sorted by name. */
export const allEntries = (): readonly CatalogEntry[] => entries;

/**
 * What is known about a key, in either spelling; the family's entry for a key of one interface. undefined for a key that the catalog
 * has never seen, which says nothing about whether a kernel has it. Throws InvalidName.
 */
export function describe(name: string): CatalogEntry | undefined {
  byName ??= new Map(entries.map((entry) => [entry.name, entry]));
  const dotted = name.includes('*') ? name : normalizeName(name);
  return byName.get(dotted) ?? byName.get(dotted.replace(INTERFACE, '$1*$3'));
}

/** No kernel of today has it any more. */
export const isRemoved = ({ module }: CatalogEntry): boolean => module?.startsWith('Linux before') ?? false;

/** An interface whose name has a dot in it (eth0.100) hides the family of its keys. */
const DOTTED_INTERFACE = /^(net\.ipv[46]\.(?:conf|neigh)\.)(.+\..+)(\.[^.]+)$/;

/** Names that the person may have meant, best first, at most five; none when nothing is close. */
export function suggest(name: string): string[] {
  const [, folder = '', dotted = '', key = ''] = DOTTED_INTERFACE.exec(name) ?? [];
  if (folder && entries.some((entry) => entry.name === `${folder}*${key}`))
    return [`${folder}${dotted.replaceAll('.', '/')}${key}`];
  const device = INTERFACE.exec(name)?.[2];
  const names = entries.map((entry) => entry.name);
  return closest(name, names).map((close) => (device ? close.replace('*', device) : close));
}
