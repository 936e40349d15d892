import { isStatus, type ApiServer } from './api-server.ts';
import type { Lease } from './lease.ts';

/** One Lease at the API server. Reads are lists of one name, so that a watcher of it needs no further right. */
export class LeaseClient {
  readonly #api: ApiServer;
  /** Path of the collection, /apis/coordination.k8s.io/v1/namespaces/N/leases. */
  readonly path: string;
  readonly #name: string;

  constructor(api: ApiServer, path: string, name: string) {
    this.#api = api;
    this.path = path;
    this.#name = name;
  }

  get query(): Record<string, string> {
    return { fieldSelector: `metadata.name=${this.#name}` };
  }

  async read(signal: AbortSignal): Promise<Lease | undefined> {
    const list = await this.#api.request<{ items?: Lease[] }>({
      method: 'GET',
      path: this.path,
      query: this.query,
      signal,
    });
    return list.items?.[0];
  }

  /** Creates or, with the resourceVersion that it has, updates it; undefined when somebody was quicker. */
  async write(lease: Lease, signal: AbortSignal): Promise<Lease | undefined> {
    try {
      if (lease.metadata.resourceVersion !== undefined)
        return await this.#api.request<Lease>({
          method: 'PUT',
          path: `${this.path}/${this.#name}`,
          body: lease,
          signal,
        });
      const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...lease };
      return await this.#api.request<Lease>({ method: 'POST', path: this.path, body, signal });
    } catch (error) {
      if (isStatus(error, 409) || isStatus(error, 404)) return undefined;
      throw error;
    }
  }
}
