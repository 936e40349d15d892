import type { SysctlProfile } from '../../api/profile.ts';

/** Later than every profile that is stored: with equal priority the older one keeps its value. */
const YOUNGEST = '9999-12-31T23:59:59Z';

/** The profiles as they would be with the candidates applied and enforced, whatever mode they say. Pure. */
export function withCandidates(
  stored: readonly SysctlProfile[],
  candidates: readonly SysctlProfile[],
): SysctlProfile[] {
  const byName = new Map(stored.map((profile) => [profile.metadata.name, profile]));
  for (const { metadata, spec } of candidates) {
    const known = byName.get(metadata.name)?.metadata;
    byName.set(metadata.name, {
      metadata: { creationTimestamp: YOUNGEST, ...known, name: metadata.name },
      spec: { ...spec, mode: 'Enforce' },
    });
  }
  return [...byName.values()];
}
