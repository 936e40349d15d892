import type { SysctlEntry } from '../api/profile.ts';
import { lookup } from '../sysctl/catalog/lookup.ts';
import { normalizeName } from '../sysctl/names.ts';

/** Starts a comment that carries what sysctl.d(5) has no words for, as JSON. */
export const MARK = '#:';

const INTEGER = /^(0|-?[1-9]\d*)$/;

/** An integer where that says the same, for the sake of who reads the profile. */
export const plainValue = (text: string): string | number =>
  INTEGER.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : text;

/**
 * What a line "name = value" of a node's file means as an entry of a profile. A file of sysctl.d is about the node itself, so a key of
 * which pods have their own needs scope: Node, or it would be allowed to pods instead.
 */
export function plainEntry(name: string, text: string, optional: boolean): SysctlEntry {
  const { namespace, podPresence } = lookup(normalizeName(name));
  const ambiguous = podPresence === 'own' && (namespace === 'net' || namespace === 'ipc');
  return {
    name,
    value: plainValue(text),
    ...(ambiguous && { scope: 'Node' }),
    ...(optional && { optional }),
  };
}
