import type { ApiRequest, ApiServer } from './api-server.ts';

/** Throws when this process may not write any more, because another one may have taken its place. */
export type Fence = () => void;

/**
 * The API server for somebody whose right to write ends by itself: a leader, a worker with a job. Every request that is not a GET asks
 * the fence, here and once more in the moment in which its bytes go out (ApiRequest.fence): a process that was stopped while it waited
 * for a connection would send them when it goes on, and no timer comes in between, because what the network has ready is done first.
 */
export class FencedApiServer implements ApiServer {
  readonly #api: ApiServer;
  readonly #fence: Fence;

  constructor(api: ApiServer, fence: Fence) {
    this.#api = api;
    this.#fence = fence;
  }

  async request<T>(request: ApiRequest): Promise<T> {
    if (request.method === 'GET') return this.#api.request<T>(request);
    this.#fence();
    return this.#api.request<T>({ ...request, fence: this.#fence });
  }

  watch<T>(path: string, query: Record<string, string>, signal: AbortSignal): AsyncIterable<T> {
    return this.#api.watch<T>(path, query, signal);
  }
}
