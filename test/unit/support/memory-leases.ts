import { EventEmitter, on } from 'node:events';
import { ApiError, type ApiRequest, type ApiServer } from '../../../operator/kube/api-server.ts';
import type { Lease } from '../../../operator/kube/lease.ts';

/** Keeps one Lease with the API server's optimistic locking, and tells watchers of it. */
export class MemoryLeases {
  lease: Lease | undefined;
  /** Who wrote, in order. */
  readonly writers: string[] = [];
  readonly #changes = new EventEmitter();
  #version = 0;

  constructor() {
    this.#changes.setMaxListeners(0);
  }

  /** The server as one replica reaches it; `before` runs before every request and may throw. */
  client(before: (request: ApiRequest) => unknown = () => {}): ApiServer {
    const changes = this.#changes;
    return {
      request: async <T>(request: ApiRequest): Promise<T> => {
        await before(request);
        return structuredClone(this.#answer(request)) as T;
      },
      async *watch<T>(path: string, _query: Record<string, string>, signal: AbortSignal): AsyncIterable<T> {
        await before({ method: 'GET', path, signal });
        for await (const [event] of on(changes, 'event', { signal })) yield structuredClone(event) as T;
      },
    };
  }

  /** As kubectl would: whoever holds it is not asked. */
  edit(spec: Partial<Lease['spec']>): void {
    if (!this.lease) throw new Error('there is no lease');
    this.#store({ ...this.lease, spec: { ...this.lease.spec, ...spec } });
  }

  delete(): void {
    const object = this.lease;
    this.lease = undefined;
    this.#changes.emit('event', { type: 'DELETED', object });
  }

  #store(lease: Lease): Lease {
    const type = this.lease ? 'MODIFIED' : 'ADDED';
    this.lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++this.#version) } };
    this.#changes.emit('event', { type, object: this.lease });
    return this.lease;
  }

  #answer(request: ApiRequest): unknown {
    if (request.method === 'GET')
      return {
        items: this.lease ? [this.lease] : [],
        metadata: { resourceVersion: String(this.#version) },
      };
    const body = structuredClone(request.body) as Lease;
    const expected = request.method === 'POST' ? undefined : this.lease?.metadata.resourceVersion;
    if (request.method === 'PUT' && !this.lease) throw new ApiError(request, 404, { reason: 'NotFound' });
    if ((request.method === 'POST' && this.lease) || body.metadata.resourceVersion !== expected)
      throw new ApiError(request, 409, { reason: 'Conflict' });
    this.writers.push(body.spec.holderIdentity ?? '');
    return this.#store(body);
  }
}
