import { byPrecedence, compose, type Composition } from '../../../operator/plan/compose.ts';
import { resolveProfile } from '../../../operator/plan/resolve.ts';
import type { SysctlEntry, SysctlProfile, SysctlProfileSpec } from '../../../operator/api/profile.ts';

export interface ProfileDraft extends Partial<SysctlProfileSpec> {
  /** metadata.generation. */
  generation?: number;
  /** Later is younger. */
  age?: number;
  uid?: string;
}

/** A profile for every node, made on a day of January 2026. */
export function profile(name: string, draft: ProfileDraft = {}): SysctlProfile {
  const { generation = 1, age = 1, uid = `uid-${name}`, ...spec } = draft;
  const creationTimestamp = `2026-01-${String(age).padStart(2, '0')}T00:00:00Z`;
  return { metadata: { name, uid, generation, creationTimestamp }, spec: { nodeSelector: {}, ...spec } };
}

/** `name=value`, `name>=value`, `name<=value`, on the node. */
export function sysctl(text: string, more: Partial<SysctlEntry> = {}): SysctlEntry {
  const [, name = '', sign, value = ''] = /^([^<>=]+)(=|>=|<=)(.*)$/.exec(text) ?? [];
  const match = sign === '>=' ? 'AtLeast' : sign === '<=' ? 'AtMost' : 'Exact';
  return { name, value, match, ...more };
}

/** What nodes must have that all these profiles match. */
export const composed = (...profiles: readonly SysctlProfile[]): Composition =>
  compose(profiles.toSorted(byPrecedence).map((p) => ({ profile: p, resolved: resolveProfile(p) })));
