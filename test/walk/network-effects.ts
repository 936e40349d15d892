import diagnostics from 'node:diagnostics_channel';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Effect } from './wrap.ts';

/** The collection and the subresource; not the query, and not a name that is new each time. */
const pathOf = (path: string): string => path.split('?', 1)[0] ?? '';
const named = (method: string, path: string): string =>
  `${method} ${pathOf(path)
    .replace(/^.*\/(?:v1|v1alpha1)\//, '')
    .replace(/(events)\/.*$/, '$1/NAME')}`;

/** Node's own client, which the agent uses: before a request that writes is sent, and when it is answered. */
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

interface UndiciMessage {
  request: { method: string; path: string };
}

/** undici, which the manager uses, says by itself what it does. */
function watchUndici(effect: Effect): void {
  const told = (channel: string, suffix: string): void =>
    diagnostics.subscribe(channel, (message) => {
      const { method, path } = (message as UndiciMessage).request;
      if (method !== 'GET') effect(`${named(method, path)}${suffix}`);
    });
  told('undici:request:create', '');
  told('undici:request:headers', ', answered');
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
  watchUndici(effect);
  watchListen(effect);
}
