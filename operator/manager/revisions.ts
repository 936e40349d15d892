import { paths, REVISION_LABEL } from '../api/names.ts';
import type { Revision, RevisionData } from '../api/revision.ts';
import { contentTypes, isStatus, type ApiServer } from '../kube/api-server.ts';

/** Older revisions that are kept for history although no node refers to them. */
export const HISTORY = 10;

/** Watches bring a revision that was created within this time; one that is still missing was deleted meanwhile. */
const UNSEEN_MS = 5000;

/** The revisions to delete: neither in use nor among the newest HISTORY. */
export function obsoleteRevisions(revisions: Iterable<Revision>, inUse: ReadonlySet<string>): string[] {
  return [...revisions]
    .filter((r) => !inUse.has(r.metadata.name))
    .toSorted((a, b) => b.revision - a.revision)
    .slice(HISTORY)
    .map((r) => r.metadata.name);
}

/**
 * The operator's ControllerRevisions: immutable and named by the hash of their content, so "it exists" means "it is right". Not owned by
 * the profiles: garbage collection would delete one that nodes still refer to.
 */
export class RevisionHistory {
  readonly #api: ApiServer;
  readonly #namespace: string;
  readonly #known: ReadonlyMap<string, Revision>;
  /** Those that were created a moment ago and that the caches may not show yet. */
  readonly #made = new Map<string, { done: Promise<void>; at: number }>();

  /** `known`: those that exist, as far as the caches have seen. */
  constructor(api: ApiServer, namespace: string, known: ReadonlyMap<string, Revision>) {
    this.#api = api;
    this.#namespace = namespace;
    this.#known = known;
  }

  /**
   * Creates those that are missing, through `api`: jobs do it too. Of a name without content (neither planned nor there) nobody knows what
   * it was: its agents say so.
   */
  async ensure(
    api: ApiServer,
    names: Iterable<string>,
    content: (name: string) => RevisionData | undefined,
  ): Promise<void> {
    const missing = [...new Set(names)].filter((name) => !this.#known.has(name));
    if (missing.length === 0) return this.#made.clear();
    let next = 1 + [...this.#known.values()].reduce((max, { revision }) => Math.max(max, revision), 0);
    await Promise.all(
      missing.map(async (name) => {
        const made = this.#made.get(name);
        if (made && performance.now() - made.at < UNSEEN_MS) return made.done;
        const data = content(name);
        if (data) await this.#make(name, this.#create(api, name, data, next++));
        return undefined;
      }),
    );
  }

  #make(name: string, done: Promise<void>): Promise<void> {
    this.#made.set(name, { done, at: performance.now() });
    return done.catch((error: unknown) => {
      this.#made.delete(name);
      throw error;
    });
  }

  /** Deletes what is obsolete; `inUse` is asked only when there may be something. */
  async collect(inUse: () => ReadonlySet<string>): Promise<void> {
    if (this.#known.size <= HISTORY) return;
    for (const name of obsoleteRevisions(this.#known.values(), inUse())) {
      const path = `${paths.revisions(this.#namespace)}/${name}`;
      await this.#api.request({ method: 'DELETE', path }).catch((error: unknown) => {
        if (!isStatus(error, 404)) throw error;
      });
    }
  }

  async #create(api: ApiServer, name: string, data: RevisionData, revision: number): Promise<void> {
    const body = {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: { name, namespace: this.#namespace, labels: { [REVISION_LABEL]: 'true' } },
      revision,
      data,
    };
    try {
      const path = paths.revisions(this.#namespace);
      await api.request({ method: 'POST', path, body, accept: contentTypes.metadata });
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
    }
  }
}
