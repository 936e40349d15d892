import { HttpMethod, RequestContext, type KubeConfig } from '@kubernetes/client-node';
import { request, type Dispatcher } from 'undici';
import { ApiError, type ApiRequest, type ApiServer, type ApiStatus } from './api-server.ts';
import { fencedDispatcher } from './fenced-dispatcher.ts';

/** Requests that do not answer within this time are given up; watches are not limited by it. */
const REQUEST_TIMEOUT_MS = 30_000;

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 500) };
  }
};

const retryAfter = (headers: Dispatcher.ResponseData['headers'], body: ApiStatus): number | undefined => {
  const seconds = Number(headers['retry-after'] ?? body.details?.retryAfterSeconds);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
};

/** What a request was answered with; for metrics. */
export type RequestObserver = (method: string, path: string, status: number) => void;

/** The API server over client-node's configuration (in-cluster, kubeconfig, exec plugins) and undici's connection pool. */
export class ClientNodeApiServer implements ApiServer {
  readonly #config: KubeConfig;
  readonly #observe: RequestObserver;

  constructor(config: KubeConfig, observe: RequestObserver = () => {}) {
    this.#config = config;
    this.#observe = observe;
  }

  async request<T>(call: ApiRequest): Promise<T> {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const signal = call.signal ? AbortSignal.any([call.signal, timeout]) : timeout;
    const response = await this.#send(call, signal);
    return parse(await response.body.text()) as T;
  }

  async *watch<T>(path: string, query: Record<string, string>, signal: AbortSignal): AsyncIterable<T> {
    const response = await this.#send({ method: 'GET', path, query: { ...query, watch: 'true' } }, signal);
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of response.body) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line) yield JSON.parse(line) as T;
    }
  }

  async #send(call: ApiRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const url = new URL(call.path, this.#config.getCurrentCluster()?.server);
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
    const context = new RequestContext(url.href, HttpMethod.GET);
    await this.#config.applySecurityAuthentication(context);
    const dispatcher = context.getDispatcher() as unknown as Dispatcher;
    const response = await request(url, {
      method: call.method,
      signal,
      headers: {
        ...context.getHeaders(),
        accept: call.accept ?? 'application/json',
        'user-agent': 'sysctl-operator',
        ...(call.body !== undefined && { 'content-type': call.contentType ?? 'application/json' }),
      },
      body: call.body === undefined ? null : JSON.stringify(call.body),
      dispatcher: call.fence ? fencedDispatcher(dispatcher, call.fence) : dispatcher,
    });
    this.#observe(call.method, call.path, response.statusCode);
    if (response.statusCode < 400) return response;
    const body = parse(await response.body.text()) as ApiStatus;
    throw new ApiError(call, response.statusCode, body, retryAfter(response.headers, body));
  }
}
