import { allNames, describe, entriesWhere, suggest } from '../../sysctl/catalog/index.ts';
import type { CatalogEntry } from '../../sysctl/catalog/types.ts';

/** A key as it was asked for, and what the catalog says of it. */
export interface Known {
  /** With dots; of one interface where it was asked for. */
  name: string;
  entry: CatalogEntry;
}

export interface Found {
  known: Known[];
  /** The question was a pattern, so that many answers are no surprise. */
  glob: boolean;
  /** Names that the person may have meant, where nothing was found. */
  suggestions: string[];
}

const isGlob = (text: string): boolean => /[*?[]/.test(text);

/** A shell's pattern, in which "*" also stands for dots, as in the kubelet's list. */
export function globExpression(glob: string): RegExp {
  const source = glob.replace(/\[[^\]]+\]|[.*+?^${}()|[\]\\]/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    return part.length > 1 ? part.replace(/^\[!/, '[^') : `\\${part}`;
  });
  return new RegExp(`^${source}$`);
}

/** As people have it in their clipboard: /proc/sys/vm/swappiness, vm.swappiness=1. */
const tidied = (asked: string): string =>
  asked
    .trim()
    .replace(/^\/proc\/sys\//, '')
    .replace(/\s*=.*$/, '');

/** What the catalog has for a name, a path below /proc/sys or a pattern. Throws InvalidName. */
export function find(asked: string): Found {
  const text = tidied(asked);
  // "somaxconn" alone, as people say it.
  if (/^[\w-]+$/.test(text)) return { known: [], glob: false, suggestions: suggest(text) };
  if (!isGlob(text)) {
    const entry = describe(text);
    const name = /^[^./]*\//.test(text) ? text.replace(/[./]/g, (c) => (c === '.' ? '/' : '.')) : text;
    return entry
      ? { known: [{ name, entry }], glob: false, suggestions: [] }
      : { known: [], glob: false, suggestions: suggest(text) };
  }
  const dotted = text.replaceAll('/', '.');
  const exact = allNames().includes(dotted) ? describe(dotted) : undefined;
  if (exact) return { known: [{ name: exact.name, entry: exact }], glob: false, suggestions: [] };
  const expression = globExpression(dotted);
  const known = entriesWhere((name) => expression.test(name)).map((entry) => ({ name: entry.name, entry }));
  return { known, glob: true, suggestions: [] };
}
