import data from './catalog.json' with { type: 'json' };
import type { CatalogEntry } from './types.ts';

/** catalog.json is what scripts/catalog.ts has checked against these types. */
const entries = data as unknown as readonly CatalogEntry[];
let byName: ReadonlyMap<string, CatalogEntry> | undefined;

/** All sysctls and families, sorted by name. */
export const allEntries = (): readonly CatalogEntry[] => entries;

/** Their names, in the same order. */
export const allNames = (): readonly string[] => entries.map(({ name }) => name);

/** The entry of exactly this name. In the command line's one file (scripts/packed.ts) no other is read for it. */
export function entryNamed(name: string): CatalogEntry | undefined {
  byName ??= new Map(entries.map((entry) => [entry.name, entry]));
  return byName.get(name);
}
