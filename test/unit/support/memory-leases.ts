import { ApiError, type ApiRequest, type ApiServer } from '../../../operator/kube/api-server.ts';

export interface Lease {
  metadata: { name: string; resourceVersion?: string };
  spec: { holderIdentity?: string; leaseTransitions?: number; acquireTime?: string; renewTime?: string };
}

/** Keeps one Lease with the API server's optimistic locking. */
export class MemoryLeases {
  lease: Lease | undefined;
  /** Who wrote, in order. */
  readonly writers: string[] = [];
  #version = 0;

  /** The server as one replica reaches it; `before` runs before every request and may throw. */
  client(before: (request: ApiRequest) => unknown = () => {}): ApiServer {
    return {
      request: async <T>(request: ApiRequest): Promise<T> => {
        await before(request);
        return structuredClone(this.#answer(request)) as T;
      },
      // oxlint-disable-next-line require-yield
      async *watch() {
        throw new Error('no watch here');
      },
    };
  }

  #answer(request: ApiRequest): unknown {
    if (request.method === 'GET') {
      if (!this.lease) throw new ApiError(request, 404, {});
      return this.lease;
    }
    const body = structuredClone(request.body) as Lease;
    const expected = request.method === 'POST' ? undefined : this.lease?.metadata.resourceVersion;
    if ((request.method === 'POST' && this.lease) || body.metadata.resourceVersion !== expected)
      throw new ApiError(request, 409, { reason: 'Conflict' });
    body.metadata.resourceVersion = String(++this.#version);
    this.lease = body;
    this.writers.push(body.spec.holderIdentity ?? '');
    return body;
  }
}
