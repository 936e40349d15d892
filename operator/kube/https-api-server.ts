import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { StringDecoder } from 'node:string_decoder';
import { ApiError, type ApiRequest, type ApiServer, type ApiStatus } from './api-server.ts';

export interface HttpsApiServerOptions {
  host: string;
  port: number;
  /** Files of a mounted ServiceAccount. */
  caFile: string;
  tokenFile: string;
  /** caFile is the certificate of the server itself: it is believed for this connection whatever name it has. */
  pinned?: boolean;
  now?: () => number;
}

/** The kubelet renews a projected token long before it expires; reading it once a minute is what client-go does. */
const TOKEN_MS = 60_000;
/** For a whole request, and for the first byte of a watch. */
const REQUEST_MS = 30_000;
/** A watch on a dead connection is noticed by TCP keep-alive. */
const KEEP_ALIVE_MS = 20_000;

const statusOf = (body: string): ApiStatus => {
  try {
    return JSON.parse(body) as ApiStatus;
  } catch {
    return { message: body.slice(0, 500) };
  }
};

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** The API server on node:https alone: the agent is on every node, and client-node or fetch would double its memory. */
export class HttpsApiServer implements ApiServer {
  readonly #o: HttpsApiServerOptions;
  readonly #agent: Agent;
  readonly #now: () => number;
  #token = { value: '', readAt: Number.NEGATIVE_INFINITY };

  constructor(options: HttpsApiServerOptions) {
    this.#o = options;
    this.#now = options.now ?? (() => performance.now());
    this.#agent = new Agent({
      ca: readFileSync(options.caFile),
      keepAlive: true,
      keepAliveMsecs: KEEP_ALIVE_MS,
      maxSockets: 4,
      ...(options.pinned && { allowPartialTrustChain: true, checkServerIdentity: () => undefined }),
    });
  }

  async request<T>(call: ApiRequest): Promise<T> {
    const timeout = AbortSignal.timeout(REQUEST_MS);
    const response = await this.#open(call, call.signal ? AbortSignal.any([call.signal, timeout]) : timeout);
    return JSON.parse(await textOf(response)) as T;
  }

  async *watch<T>(path: string, query: Record<string, string>, signal: AbortSignal): AsyncIterable<T> {
    const response = await this.#open({ method: 'GET', path, query: { ...query, watch: 'true' } }, signal);
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for await (const chunk of response) {
      const lines = (rest + decoder.write(chunk as Buffer)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line) yield JSON.parse(line) as T;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #open(call: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#send(call, signal);
    const status = response.statusCode ?? 0;
    if (status < 400) return response;
    if (status === 401) this.#token.readAt = Number.NEGATIVE_INFINITY;
    const body = statusOf(await textOf(response));
    const seconds = Number(response.headers['retry-after'] ?? body.details?.retryAfterSeconds);
    throw new ApiError(call, status, body, seconds > 0 ? seconds * 1000 : undefined);
  }

  #send(call: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const query = call.query ? `?${new URLSearchParams(call.query).toString()}` : '';
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    return new Promise((resolve, reject) => {
      const outgoing = request({
        host: this.#o.host,
        port: this.#o.port,
        method: call.method,
        path: call.path + query,
        agent: this.#agent,
        signal,
        headers: {
          accept: call.accept ?? 'application/json',
          authorization: `Bearer ${this.#readToken()}`,
          'user-agent': 'sysctl-operator-agent',
          ...(body && {
            'content-type': call.contentType ?? 'application/json',
            'content-length': body.length,
          }),
        },
      });
      const silent = new Error(
        `${this.#o.host}:${this.#o.port} did not answer within ${REQUEST_MS / 1000} s`,
      );
      const timer = setTimeout(() => outgoing.destroy(silent), REQUEST_MS);
      outgoing.on('close', () => clearTimeout(timer));
      outgoing.on('error', reject);
      outgoing.on('response', (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      outgoing.on('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
      outgoing.end(body);
    });
  }

  #readToken(): string {
    if (this.#now() - this.#token.readAt > TOKEN_MS)
      this.#token = { value: readFileSync(this.#o.tokenFile, 'utf8').trim(), readAt: this.#now() };
    return this.#token.value;
  }
}
