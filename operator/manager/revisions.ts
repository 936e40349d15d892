import { paths, REVISION_LABEL } from '../api/names.ts';
import type { Revision, RevisionData } from '../api/revision.ts';
import { isStatus, type ApiServer } from '../kube/api-server.ts';

/** Older revisions that are kept for history although no node refers to them. */
export const HISTORY = 10;

/**
 * Creates the revision unless it exists. ControllerRevisions are immutable and named by the hash of their content, so "it
 * exists" means "it is right". Not owned by the profiles: garbage collection would delete one that nodes still refer to.
 */
export async function ensureRevision(
  api: ApiServer,
  namespace: string,
  name: string,
  data: RevisionData,
  revision: number,
): Promise<void> {
  const body = {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: { name, namespace, labels: { [REVISION_LABEL]: 'true' } },
    revision,
    data,
  };
  try {
    await api.request({ method: 'POST', path: paths.revisions(namespace), body });
  } catch (error) {
    if (!isStatus(error, 409)) throw error;
  }
}

/** The revisions to delete: neither in use nor among the newest HISTORY. */
export function obsoleteRevisions(revisions: Iterable<Revision>, inUse: ReadonlySet<string>): string[] {
  return [...revisions]
    .filter((r) => !inUse.has(r.metadata.name))
    .toSorted((a, b) => b.revision - a.revision)
    .slice(HISTORY)
    .map((r) => r.metadata.name);
}
