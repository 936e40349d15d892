import type { ObjectMeta } from '../../../operator/api/meta.ts';
import type { Connect } from '../../../operator/cli/cluster/connect.ts';
import type { ApiRequest, ApiServer } from '../../../operator/kube/api-server.ts';
import { MemoryApi, NAMESPACE, type ClusterDraft } from './memory-cluster-api.ts';

interface Watched {
  metadata: ObjectMeta;
}

/** A cluster of which a test changes objects while somebody watches them; it notes what it was asked for. */
export class WatchedApi implements ApiServer {
  readonly asked: string[] = [];
  #now: MemoryApi;
  #version = 1;
  readonly #watchers = new Map<string, (event: unknown) => void>();

  constructor(draft: ClusterDraft) {
    this.#now = new MemoryApi(draft);
  }

  async request<T>(request: ApiRequest): Promise<T> {
    const { path, query } = request;
    this.asked.push(query?.['fieldSelector'] ? `${path}?${query['fieldSelector']}` : path);
    const answer = await this.#now.request<{ items?: Watched[]; metadata: object }>(request);
    const name = query?.['fieldSelector']?.replace('metadata.name=', '');
    if (!answer.items) return answer as T;
    const items = answer.items.filter((item) => name === undefined || item.metadata.name === name);
    return { items, metadata: { ...answer.metadata, resourceVersion: String(this.#version) } } as T;
  }

  async *watch<T>(path: string, _query: Record<string, string>, signal: AbortSignal): AsyncIterable<T> {
    const events: unknown[] = [];
    let rung = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => rung.resolve(), { once: true });
    this.#watchers.set(path, (event) => {
      events.push(event);
      rung.resolve();
    });
    while (!signal.aborted) {
      yield* events.splice(0) as T[];
      await rung.promise;
      rung = Promise.withResolvers();
    }
  }

  /** An object has changed: a list has it from now on, and who watches its collection is told. */
  change(draft: ClusterDraft, path: string, type: 'MODIFIED' | 'DELETED', object: Watched): void {
    this.#now = new MemoryApi(draft);
    const metadata = { ...object.metadata, resourceVersion: String(++this.#version) };
    this.#watchers.get(path)?.({ type, object: { ...object, metadata } });
  }

  /** Somebody watches all of these collections. */
  watched(...collections: readonly string[]): boolean {
    return collections.every((path) => this.#watchers.has(path));
  }

  readonly connect: Connect = () => Promise.resolve({ api: this, namespace: NAMESPACE });
}
