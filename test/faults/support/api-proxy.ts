import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { createSecureServer, type Http2SecureServer, type Http2ServerRequest } from 'node:http2';
import { Agent, request as httpsRequest } from 'node:https';
import { once } from 'node:events';
import { canEarn, isWatch, statusBody, type Answer } from './api-answers.ts';
import { TcpProxy } from './tcp-proxy.ts';

type Request = IncomingMessage | Http2ServerRequest;

export interface ApiProxyOptions {
  /** Where clients find it. */
  host: string;
  port?: number;
  /** PEM, signed by the cluster's CA for the address that clients use. */
  cert: string;
  key: string;
  /** PEM of that CA. */
  ca: string;
  /** The real API server, https://HOST:PORT. */
  upstream: string;
  whoIs: (address: string) => string;
}

/** abrupt: the connection is reset; clean: the answer ends as if it were complete. */
export type Cut = 'abrupt' | 'clean';

export interface SeenRequest {
  who: string;
  method: string;
  url: string;
  httpVersion: string;
}

/** Headers of a connection mean nothing to the next one; HTTP/2 refuses them. */
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host', 'proxy-connection']);
const endToEnd = (headers: IncomingHttpHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith(':') && !HOP.has(name.toLowerCase())),
  );

/**
 * Stands between the operator and the real API server: terminates TLS, speaks HTTP/1.1 and HTTP/2, hands tokens on. `network` fails below
 * HTTP, this fails in HTTP's own words.
 */
export class ApiProxy {
  readonly network: TcpProxy;
  readonly requests: SeenRequest[] = [];
  readonly #http: Http2SecureServer;
  readonly #agent: Agent;
  readonly #upstream: URL;
  readonly #answers = new Map<string, Answer>();
  readonly #cuts = new Map<string, Cut>();

  private constructor(options: ApiProxyOptions, http: Http2SecureServer, network: TcpProxy) {
    this.#upstream = new URL(options.upstream);
    this.#http = http;
    this.network = network;
    this.#agent = new Agent({ ca: options.ca, keepAlive: true });
    // Of HTTP/2 Node offers the same interface, as far as it is used here.
    http.on('request', (request: Request, response: unknown) =>
      this.#serve(request, response as ServerResponse),
    );
  }

  static async start(options: ApiProxyOptions): Promise<ApiProxy> {
    const { cert, key, host, port, whoIs } = options;
    const http = createSecureServer({ allowHTTP1: true, cert, key });
    for (const event of ['sessionError', 'tlsClientError', 'clientError', 'secureConnectionError'])
      http.on(event, () => {});
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const address = http.address();
    const upstream = { host: '127.0.0.1', port: typeof address === 'object' && address ? address.port : 0 };
    const network = await TcpProxy.listen({ host, ...(port !== undefined && { port }), upstream, whoIs });
    return new ApiProxy(options, http, network);
  }

  /** Answers every request of a client that can earn this status, until `restore`. */
  answer(who: string, answer: Answer): void {
    this.#answers.set(who, answer);
  }

  /** Cuts the next piece of a watch of a client in the middle of its line. */
  cut(who: string, how: Cut): void {
    this.#cuts.set(who, how);
  }

  /** Ends everything that goes on by itself, here and in the network. */
  restore(who: string): void {
    this.#answers.delete(who);
    this.#cuts.delete(who);
    this.network.restore(who);
  }

  async close(): Promise<void> {
    await this.network.close();
    this.#agent.destroy();
    this.#http.close();
  }

  #serve(request: Request, response: ServerResponse): void {
    const asked = { method: request.method ?? 'GET', url: request.url ?? '/' };
    const who = this.network.ownerOf(request.socket.remotePort) ?? 'unknown';
    this.requests.push({ who, ...asked, httpVersion: request.httpVersion });
    const answer = this.#answers.get(who);
    if (!answer || !canEarn(answer.status, asked)) return this.#forward(who, asked, request, response);
    request.resume();
    const { status, retryAfterSeconds } = answer;
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    });
    response.end(statusBody(answer));
  }

  #forward(
    who: string,
    asked: { method: string; url: string },
    request: Request,
    response: ServerResponse,
  ): void {
    const outgoing = httpsRequest({
      host: this.#upstream.hostname,
      port: this.#upstream.port,
      path: asked.url,
      method: asked.method,
      headers: endToEnd(request.headers),
      agent: this.#agent,
    });
    // What happens to the real server happens to the client: no answer of a gateway stands in for it.
    const fail = (): void => hangUp(request);
    outgoing.on('error', fail);
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
      // A watch that nothing has happened on yet has begun all the same.
      if ('flushHeaders' in response) response.flushHeaders();
      answer.on('error', fail);
      answer.on('data', (chunk: Buffer) => {
        if (isWatch(asked) && this.#cutNow(who, chunk, request, response)) outgoing.destroy();
        else if (!response.write(chunk)) {
          answer.pause();
          response.once('drain', () => answer.resume());
        }
      });
      answer.on('end', () => response.end());
    });
    response.on('error', () => {});
    response.on('close', () => outgoing.destroy());
    request.on('error', () => {});
    request.pipe(outgoing);
  }

  #cutNow(who: string, chunk: Buffer, request: Request, response: ServerResponse): boolean {
    const how = this.#cuts.get(who);
    if (!how) return false;
    this.#cuts.delete(who);
    const half = chunk.subarray(0, Math.floor(chunk.length / 2));
    if (how === 'clean') response.end(half);
    else {
      response.write(half);
      setImmediate(() => hangUp(request));
    }
    return true;
  }
}

/** Ends the connection that a request came on; over HTTP/2 the socket of a request stands for its stream alone. */
function hangUp(request: Request): void {
  if ('stream' in request) request.stream.session?.destroy();
  else request.socket.destroy();
}
