import type { CatalogEntry } from '../../operator/sysctl/catalog/types.ts';

/** The writable names, by folder: what a kernel is asked for. A third of the list with whole names. */
export function names(entries: readonly CatalogEntry[]): Record<string, string> {
  const folders = new Map<string, string[]>();
  for (const { name, writable } of entries) {
    if (!writable) continue;
    const end = name.lastIndexOf('.');
    const folder = name.slice(0, end);
    folders.set(folder, [...(folders.get(folder) ?? []), name.slice(end + 1)]);
  }
  return Object.fromEntries([...folders].map(([folder, files]) => [folder, files.join(' ')]));
}
