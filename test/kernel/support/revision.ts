import type { RevisionSysctl } from '../../../operator/api/revision.ts';
import type { NamedRevision } from '../../../operator/agent/revisions.ts';

export type EntryDraft = Partial<RevisionSysctl> & Pick<RevisionSysctl, 'name' | 'value'>;

/** A revision with these entries; what is not said is as the API defaults it. */
export function revision(name: string, ...entries: EntryDraft[]): NamedRevision {
  return {
    name,
    data: {
      sysctls: entries.map((entry) => ({
        match: 'Exact',
        optional: false,
        profile: 'test',
        drift: 'Correct',
        removal: 'Restore',
        ...entry,
      })),
      kubelet: { allowedUnsafeSysctls: [] },
      policy: { confirmTimeoutSeconds: 60, onFailure: 'Rollback' },
      profiles: [{ name: 'test', generation: 1 }],
    },
  };
}

export const nothing: NamedRevision = revision('nothing');
