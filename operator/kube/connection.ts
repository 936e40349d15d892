import type { Agent } from 'node:http';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { Http2Session } from './http2-session.ts';
import type { Timing, Transport } from './transport.ts';

/** How to connect: authorities, client certificate, names. */
export interface Way {
  tls: ConnectionOptions;
  /** Connects by HTTP/1.1 through this, whatever the server speaks: a proxy. */
  through?: Agent;
}

export interface ConnectionSettings {
  /** Asked for every connection, so that a renewed certificate is taken. */
  way: () => Way | Promise<Way>;
}

/** TCP keep-alive finds a peer that is gone, also where HTTP/1.1 is spoken. */
const KEEP_ALIVE_MS = 20_000;
/** Connections of HTTP/1.1 at once. */
const MAX_SOCKETS = 24;

const host = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/**
 * The way to one server: one HTTP/2 connection, made when it is needed and again when it has ended. Where the server does not agree on
 * HTTP/2 (ALPN), HTTP/1.1 from then on.
 */
export class Connection {
  readonly #url: URL;
  readonly #settings: ConnectionSettings;
  readonly #timing: Timing;
  readonly #open = new Set<Transport>();
  #current: Promise<Transport> | undefined;

  constructor(url: URL, settings: ConnectionSettings, timing: Timing) {
    this.#url = url;
    this.#settings = settings;
    this.#timing = timing;
  }

  /** Rejects when there is no connection within connectMs, or when the signal aborts. */
  async transport(signal: AbortSignal): Promise<Transport> {
    signal.throwIfAborted();
    if (!this.#current) {
      const current = this.#connect(() => this.#forget(current));
      this.#current = current;
      current.catch(() => this.#forget(current));
    }
    return unlessAborted(this.#current, signal);
  }

  close(): void {
    for (const transport of this.#open) transport.close();
    // One that is being made.
    void this.#current?.then(
      (transport) => transport.close(),
      () => {},
    );
    this.#current = undefined;
  }

  #forget(ended: Promise<Transport>): void {
    if (this.#current === ended) this.#current = undefined;
  }

  async #connect(ended: () => void): Promise<Transport> {
    const { tls, through } = await this.#settings.way();
    if (through) return this.#http1(through);
    const socket = await this.#dial(tls);
    if (socket.alpnProtocol === 'h2') {
      const session: Http2Session = new Http2Session(socket, this.#url.origin, this.#timing, {
        ended,
        closed: () => this.#open.delete(session),
      });
      this.#open.add(session);
      await session.ready();
      return session;
    }
    socket.destroy();
    const { Agent } = await import('node:https');
    return this.#http1(
      new Agent({ ...tls, keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxSockets: MAX_SOCKETS }),
    );
  }

  async #http1(agent: Agent): Promise<Transport> {
    const { Http1Pool } = await import('./http1-pool.ts');
    const pool = new Http1Pool(this.#url, agent);
    this.#open.add(pool);
    return pool;
  }

  #dial(tls: ConnectionOptions): Promise<TLSSocket> {
    const { connectMs } = this.#timing;
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: host(this.#url),
        port: Number(this.#url.port || 443),
        ALPNProtocols: ['h2', 'http/1.1'],
        ...tls,
      });
      socket.setNoDelay(true);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      const late = new Error(`${this.#url.host} cannot be reached within ${connectMs / 1000} s`);
      const timer = setTimeout(() => socket.destroy(late), connectMs);
      socket.once('close', () => {
        clearTimeout(timer);
        reject(new Error(`${this.#url.host} ended the connection`));
      });
      socket.on('error', reject);
      socket.once('secureConnect', () => {
        clearTimeout(timer);
        resolve(socket);
      });
    });
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
