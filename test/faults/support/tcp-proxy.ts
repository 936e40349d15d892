import { once } from 'node:events';
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type Direction = 'up' | 'down';
export const BOTH: readonly Direction[] = ['up', 'down'];

export interface TcpProxyOptions {
  host: string;
  /** 0: any free one. */
  port?: number;
  upstream: NetConnectOpts;
  /** Names the client by its address, so that a fault hits that one alone. */
  whoIs: (address: string) => string;
}

/** One client's connection and the one that was made for it. */
interface Link {
  who: string;
  client: Socket;
  server: Socket;
  /** Directions in which nothing is forwarded any more, for good. */
  dead: Set<Direction>;
}

/** What holds for all connections of one client, also those that it makes while it holds. */
interface Weather {
  stalled: Set<Direction>;
  refused: boolean;
  delayMs: number;
}

const fair = (): Weather => ({ stalled: new Set(), refused: false, delayMs: 0 });

/**
 * Forwards TCP connections, and fails as networks do. It works on bytes: a stalled connection does not answer TLS or HTTP/2 either, while
 * this machine's kernel goes on acknowledging what the client sends.
 */
export class TcpProxy {
  readonly #o: TcpProxyOptions;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #weather = new Map<string, Weather>();
  /** Wakes everything that waits for the weather to change. */
  #changed = Promise.withResolvers<void>();

  private constructor(options: TcpProxyOptions) {
    this.#o = options;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  static async listen(options: TcpProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(options);
    proxy.#server.listen(options.port ?? 0, options.host);
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Connections that a client has now. */
  connections(who: string): number {
    return this.#of(who).length;
  }

  /** Whose connection to the upstream has this local port; undefined when there is none. */
  ownerOf(port: number | undefined): string | undefined {
    return [...this.#links].find(({ server }) => server.localPort === port)?.who;
  }

  /** Both ends of every connection get an RST. */
  reset(who: string): void {
    for (const link of this.#of(who)) this.#reset(link);
  }

  /** Connections stay open and silent in these directions, new ones too, until `restore`; then what was held back goes on. */
  stall(who: string, directions: readonly Direction[] = BOTH): void {
    this.#change(who, (weather) => directions.forEach((d) => weather.stalled.add(d)));
  }

  /** The connections of now stay open and silent for good, as when a firewall has forgotten them; new ones work. */
  halfOpen(who: string): void {
    for (const link of this.#of(who)) BOTH.forEach((d) => link.dead.add(d));
  }

  /** New connections are reset at once. */
  refuse(who: string): void {
    this.#change(who, (weather) => (weather.refused = true));
  }

  /** Whatever is sent arrives this much later. */
  delay(who: string, ms: number): void {
    this.#change(who, (weather) => (weather.delayMs = ms));
  }

  /** Ends stall, refusal and delay. */
  restore(who: string): void {
    this.#weather.delete(who);
    this.#wake();
  }

  async close(): Promise<void> {
    for (const link of this.#links) this.#reset(link);
    this.#weather.clear();
    this.#wake();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #of(who: string): Link[] {
    return [...this.#links].filter((link) => link.who === who);
  }

  #change(who: string, change: (weather: Weather) => void): void {
    const weather = this.#weather.get(who) ?? fair();
    change(weather);
    this.#weather.set(who, weather);
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #accept(client: Socket): void {
    const who = this.#o.whoIs((client.remoteAddress ?? '').replace('::ffff:', ''));
    client.on('error', () => {});
    if (this.#weather.get(who)?.refused) return void client.resetAndDestroy();
    const server = connect({ ...this.#o.upstream, allowHalfOpen: true, noDelay: true });
    const link: Link = { who, client, server, dead: new Set() };
    this.#links.add(link);
    for (const socket of [client, server]) {
      socket.on('error', () => this.#reset(link));
      socket.once('close', () => this.#closed(link));
    }
    void this.#forward(link, 'up', client, server);
    void this.#forward(link, 'down', server, client);
  }

  async #forward(link: Link, direction: Direction, from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        await this.#passes(link, direction);
        if (!to.writable) return;
        if (!to.write(chunk as Buffer)) await once(to, 'drain');
      }
      // An end is silent too.
      await this.#passes(link, direction);
      to.end();
    } catch {
      this.#reset(link);
    }
  }

  /** Resolves once bytes of this direction may pass; never for a dead one. */
  async #passes(link: Link, direction: Direction): Promise<void> {
    const delayMs = this.#weather.get(link.who)?.delayMs ?? 0;
    if (delayMs > 0) await sleep(delayMs);
    while (this.#links.has(link)) {
      const stalled = this.#weather.get(link.who)?.stalled.has(direction) ?? false;
      if (!stalled && !link.dead.has(direction)) return;
      await this.#changed.promise;
    }
  }

  /** A connection that is silent keeps its other end as well: nobody may learn that one side has gone. */
  #closed(link: Link): void {
    if (link.client.destroyed && link.server.destroyed) this.#links.delete(link);
    else if (link.client.destroyed) link.server.destroy();
    else if (link.dead.size === 0) link.client.destroySoon();
  }

  #reset(link: Link): void {
    this.#links.delete(link);
    for (const socket of [link.client, link.server]) reset(socket);
    this.#wake();
  }
}

/** A unix socket knows no RST; its end is an end. */
const reset = (socket: Socket): unknown =>
  socket.remoteAddress === undefined ? socket.destroy() : socket.resetAndDestroy();
