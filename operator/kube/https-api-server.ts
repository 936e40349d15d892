import { StringDecoder } from 'node:string_decoder';
import {
  ApiError,
  isStatus,
  waitAsked,
  type ApiRequest,
  type ApiServer,
  type ApiStatus,
} from './api-server.ts';
import { Connection, type ConnectionSettings } from './connection.ts';
import { NotProcessed, TIMING, type Answer, type Timing } from './transport.ts';

/** Who asks. */
export interface Credentials {
  /** For every request; empty where the connection itself tells (a client certificate). */
  headers(): Record<string, string> | Promise<Record<string, string>>;
  /** The server did not take them (401): they are read again for the next request. */
  refused(): void;
}

/** What a request was answered with; for metrics. */
export type RequestObserver = (method: string, path: string, status: number) => void;

export interface HttpsApiServerOptions extends ConnectionSettings {
  url: URL;
  credentials: Credentials;
  userAgent: string;
  observe?: RequestObserver;
  timing?: Partial<Timing>;
}

const statusOf = (body: string): ApiStatus => {
  try {
    return JSON.parse(body) as ApiStatus;
  } catch {
    return { message: body.slice(0, 500) };
  }
};

async function textOf({ body }: Answer): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * The API server on node:http2 alone: the agent is on every node, and client-node or fetch would double its memory; in the manager a
 * request costs half of what it does over HTTP/1.1 (the token is sent once, not in every head).
 */
export class HttpsApiServer implements ApiServer {
  readonly #o: HttpsApiServerOptions;
  readonly #timing: Timing;
  readonly #connection: Connection;
  /** Of a server that is reached under a path of another (Rancher). */
  readonly #prefix: string;

  constructor(options: HttpsApiServerOptions) {
    this.#o = options;
    this.#prefix = options.url.pathname.replace(/\/$/, '');
    this.#timing = { ...TIMING, ...options.timing };
    this.#connection = new Connection(options.url, options, this.#timing);
  }

  async request<T>(call: ApiRequest): Promise<T> {
    const limit = new Limit(this.#timing.requestMs, this.#late, call.signal);
    try {
      return JSON.parse(await textOf(await this.#open(call, limit.signal))) as T;
    } catch (error) {
      throw limit.reached ?? error;
    } finally {
      limit.clear();
    }
  }

  async *watch<T>(path: string, query: Record<string, string>, signal: AbortSignal): AsyncIterable<T> {
    const limit = new Limit(this.#timing.requestMs, this.#late, signal);
    try {
      const { blind } = await this.#connection.transport(limit.signal);
      const { blindWatchMs, pongMs } = this.#timing;
      const asked = { ...query, watch: 'true', ...(blind && shortened(query, blindWatchMs)) };
      const answer = await this.#open({ method: 'GET', path, query: asked }, limit.signal);
      if (blind) limit.restart(blindWatchMs + pongMs);
      else limit.clear();
      yield* jsonLines<T>(answer);
    } catch (error) {
      throw limit.reached ?? error;
    } finally {
      limit.clear();
    }
  }

  close(): void {
    this.#connection.close();
  }

  readonly #late = (ms: number): Error =>
    new Error(`${this.#o.url.host} did not answer within ${ms / 1000} s`);

  /** What the server has not looked at, or did not take from a token that has been renewed since, is sent once more. */
  async #open(call: ApiRequest, signal: AbortSignal): Promise<Answer> {
    const { credentials } = this.#o;
    const headers = await credentials.headers();
    try {
      return await this.#send(call, headers, signal);
    } catch (error) {
      if (isStatus(error, 401)) credentials.refused();
      else if (!(error instanceof NotProcessed)) throw error;
      const now = await credentials.headers();
      if (isStatus(error, 401) && JSON.stringify(now) === JSON.stringify(headers)) throw error;
      return this.#send(call, now, signal);
    }
  }

  async #send(
    { method, path, query, body, accept, contentType, fence }: ApiRequest,
    credentials: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const transport = await this.#connection.transport(signal);
    const answer = await transport.send({
      method,
      path: `${this.#prefix}${path}${query ? `?${new URLSearchParams(query).toString()}` : ''}`,
      headers: {
        accept: accept ?? 'application/json',
        'user-agent': this.#o.userAgent,
        ...credentials,
        ...(body !== undefined && { 'content-type': contentType ?? 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      fence,
    });
    const { status } = answer;
    this.#o.observe?.(method, path, status);
    if (status < 400) return answer;
    const refusal = statusOf(await textOf(answer));
    throw new ApiError({ method, path }, status, refusal, waitAsked(answer.headers['retry-after'], refusal));
  }
}

/** A signal that aborts with another one, and with an error after so many ms unless the limit is cleared before. */
class Limit {
  readonly signal: AbortSignal;
  /** The error. */
  reached: Error | undefined;
  readonly #controller = new AbortController();
  readonly #late: (ms: number) => Error;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, late: (ms: number) => Error, other: AbortSignal | undefined) {
    const { signal } = this.#controller;
    this.signal = other ? AbortSignal.any([other, signal]) : signal;
    this.#late = late;
    this.restart(ms);
  }

  restart(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.reached = this.#late(ms);
      this.#controller.abort(this.reached);
    }, ms);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

const shortened = ({ timeoutSeconds }: Record<string, string>, ms: number): Record<string, string> => ({
  timeoutSeconds: String(Math.min(Number(timeoutSeconds ?? Infinity), Math.ceil(ms / 1000))),
});

async function* jsonLines<T>({ body }: Answer): AsyncIterable<T> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line) yield JSON.parse(line) as T;
  }
}
