import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Pki } from '../../cluster/support/pki.ts';

export type Protocol = 'HTTP/2' | 'HTTP/1.1';
export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;
export type Handler = (request: Request, response: Response, body: string) => void;

/** How many requests a client may have open at once: of HTTP/2 this server says so, of HTTP/1.1 our client does. */
export const STREAMS = 24;

/** A server with TLS that answers as a test says. */
export interface TlsServer {
  port: number;
  /** TLS connections accepted since the last call. */
  newConnections(): number;
  handle: Handler;
  /** Connections that are open. */
  readonly connections: number;
  /** Ends every connection without a word. */
  cut(): void;
  /** HTTP/2: says that it will end, and takes no new requests on the connections that are open. */
  goAway(): void;
  close(): Promise<void>;
}

/** `port`: any without it. */
export async function tlsServer(protocol: Protocol, { server: pair, ca }: Pki, port = 0): Promise<TlsServer> {
  const tls = { key: readFileSync(pair.key), cert: readFileSync(pair.cert), ca: readFileSync(ca.cert) };
  const sockets = new Set<TLSSocket>();
  let fresh = 0;
  const listener = (request: Request, response: Response): void => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => server.handle(request, response, body));
    request.on('error', () => {});
    response.on('error', () => {});
  };
  const sessions = new Set<{ goaway(): void }>();
  const http2 =
    protocol === 'HTTP/2'
      ? createSecureServer({ ...tls, settings: { maxConcurrentStreams: STREAMS } }, listener)
      : undefined;
  http2?.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  const listening = http2 ?? createServer(tls, listener);
  listening.on('secureConnection', (socket: TLSSocket) => {
    fresh++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve));
  const server: TlsServer = {
    port: (listening.address() as AddressInfo).port,
    newConnections: () => {
      const count = fresh;
      fresh = 0;
      return count;
    },
    get connections() {
      return sockets.size;
    },
    handle: (_, response) => answer(response, 200, {}),
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    goAway: () => {
      for (const session of sessions) session.goaway();
    },
    close: async () => {
      server.cut();
      await new Promise((resolve) => listening.close(resolve));
    },
  };
  return server;
}

/** What both protocols' responses can do: their types do not agree in the parameters. */
interface Writable {
  writeHead(status: number, headers: Record<string, string>): unknown;
  write(bytes: string | Buffer): boolean;
  end(text: string): unknown;
}

/** A whole answer in JSON. */
export function answer(
  response: Response,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const both: Writable = response;
  both.writeHead(status, { 'content-type': 'application/json', ...headers });
  both.end(JSON.stringify(body));
}

/** A part of the body. */
export function write(response: Response, bytes: string | Buffer): void {
  const both: Writable = response;
  both.write(bytes);
}

/** Ends an answer in its middle. */
export const breakOff = (response: Response): void =>
  void ('stream' in response ? response.stream.close(constants.NGHTTP2_INTERNAL_ERROR) : response.destroy());
