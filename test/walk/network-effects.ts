import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import type { Effect } from './wrap.ts';

/** The collection and the subresource; not the query, and not a name that is new each time. */
const pathOf = (path: string): string => path.split('?', 1)[0] ?? '';
const named = (method: string, path: string): string =>
  `${method} ${pathOf(path)
    .replace(/^.*\/(?:v1|v1alpha1)\//, '')
    .replace(/(events)\/.*$/, '$1/NAME')}`;

/** Clients of HTTP/1.1: before a request that writes is sent, and when it is answered. */
function watchHttp(effect: Effect): void {
  for (const client of [http, https] as { request: unknown }[]) {
    const original = client.request as (
      options: http.RequestOptions,
      ...rest: unknown[]
    ) => http.ClientRequest;
    client.request = (options: http.RequestOptions, ...rest: unknown[]): http.ClientRequest => {
      const { method = 'GET', path = '' } = options;
      if (method === 'GET') return original(options, ...rest);
      effect(named(method, String(path)));
      const request = original(options, ...rest);
      request.once('response', () => effect(`${named(method, String(path))}, answered`));
      return request;
    };
  }
}

/** The connections to the API server. */
function watchHttp2(effect: Effect): void {
  const watched = http2 as { connect: (...args: unknown[]) => http2.ClientHttp2Session };
  const original = watched.connect;
  watched.connect = (...args) => {
    const session = original(...args);
    const request = session.request.bind(session);
    session.request = (headers = {}, ...rest) => {
      const { ':method': method = 'GET', ':path': path = '' } = headers as http2.OutgoingHttpHeaders;
      if (method === 'GET') return request(headers, ...rest);
      effect(named(String(method), String(path)));
      const stream = request(headers, ...rest);
      stream.once('response', () => effect(`${named(String(method), String(path))}, answered`));
      return stream;
    };
    return session;
  };
}

/** The name that a server listens on belongs to the process. */
function watchListen(effect: Effect): void {
  const prototype = net.Server.prototype as unknown as Record<'listen', (...args: unknown[]) => net.Server>;
  const original = prototype.listen;
  prototype.listen = function listen(this: net.Server, ...args: unknown[]): net.Server {
    effect('listen');
    return original.apply(this, args);
  };
}

export function watchNetwork(effect: Effect): void {
  watchHttp(effect);
  watchHttp2(effect);
  watchListen(effect);
}
