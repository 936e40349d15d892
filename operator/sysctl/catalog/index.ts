import { normalizeName } from '../names.ts';
import { closest } from './closest.ts';
import { allNames, entryNamed } from './entries.ts';
import type { CatalogEntry } from './types.ts';

export type * from './types.ts';
export { allEntries, allNames } from './entries.ts';

/** Families stand for the interfaces of net.ipv4.conf.*, net.ipv6.conf.* and net.ipv[46].neigh.*. */
const INTERFACE = /^(net\.ipv[46]\.(?:conf|neigh)\.)([^.]+)(\.[^.]+)$/;

/**
 * What is known about a key, in either spelling; the family's entry for a key of one interface. undefined for a key that the catalog
 * has never seen, which says nothing about whether a kernel has it. Throws InvalidName.
 */
export function describe(name: string): CatalogEntry | undefined {
  const dotted = name.includes('*') ? name : normalizeName(name);
  return entryNamed(dotted) ?? entryNamed(dotted.replace(INTERFACE, '$1*$3'));
}

/** The entries of all names for which this holds. */
export const entriesWhere = (holds: (name: string) => boolean): CatalogEntry[] =>
  allNames()
    .filter(holds)
    .map(entryNamed)
    .filter((entry) => entry !== undefined);

/** No kernel of today has it any more. */
export const isRemoved = ({ module }: CatalogEntry): boolean => module?.startsWith('Linux before') ?? false;

/** An interface whose name has a dot in it (eth0.100) hides the family of its keys. */
const DOTTED_INTERFACE = /^(net\.ipv[46]\.(?:conf|neigh)\.)(.+\..+)(\.[^.]+)$/;

/** Names that the person may have meant, best first, at most five; none when nothing is close. */
export function suggest(name: string): string[] {
  const [, folder = '', dotted = '', key = ''] = DOTTED_INTERFACE.exec(name) ?? [];
  if (folder && entryNamed(`${folder}*${key}`)) return [`${folder}${dotted.replaceAll('.', '/')}${key}`];
  const device = INTERFACE.exec(name)?.[2];
  return closest(name, allNames()).map((close) => (device ? close.replace('*', device) : close));
}
