import { API_VERSION } from '../../api/names.ts';
import type { SysctlEntry, SysctlProfile } from '../../api/profile.ts';
import { guardOf } from '../../sysctl/guards.ts';
import { normalizeName } from '../../sysctl/names.ts';
import { messageOf } from '../../errors.ts';

/** What a file says, in the words of a profile. */
export interface Adopted {
  profiles: SysctlProfile[];
  /** What a profile has no place for, one sentence each. */
  lost: string[];
}

export interface Settings {
  entries: SysctlEntry[];
  patterns?: string[];
  lost: string[];
}

/**
 * A profile out of settings that nobody wrote as one. Plan: it is read and looked at, and touches nothing before somebody has said which
 * nodes it is for.
 */
export function newProfile(name: string, { entries, patterns = [] }: Settings): SysctlProfile {
  return {
    apiVersion: API_VERSION,
    kind: 'SysctlProfile',
    metadata: { name },
    spec: {
      nodeSelector: {},
      mode: 'Plan',
      ...(entries.length > 0 && { sysctls: entries }),
      ...(patterns.length > 0 && { pods: { allowedUnsafeSysctls: patterns } }),
    },
  };
}

/** Leaves out names that are none, keys that need somebody's word, and all but the last of the same. */
export function acceptable({ entries, patterns, lost }: Settings): Settings {
  const kept = new Map<string, SysctlEntry>();
  const said = [...lost];
  for (const entry of entries) {
    try {
      const name = normalizeName(entry.name);
      const guard = guardOf(name);
      if (guard)
        said.push(
          `${name} = ${entry.value}: ${guard}; add it and acknowledgeRisks: [${name}] when it is meant`,
        );
      else {
        kept.delete(name);
        kept.set(name, entry);
      }
    } catch (error) {
      said.push(messageOf(error));
    }
  }
  return { entries: [...kept.values()], ...(patterns && { patterns }), lost: said };
}
