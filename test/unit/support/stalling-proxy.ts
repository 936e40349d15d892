import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy whose connections can go silent: both ends go on being acknowledged, and nothing is passed on any more. */
export class StallingProxy {
  readonly #server = createServer((client) => this.#accept(client));
  readonly #pairs = new Set<{ client: Socket; upstream: Socket; silent: boolean }>();
  readonly #target: { host: string; port: number };
  /** Connections accepted so far. */
  accepted = 0;
  #silentFromStart = false;

  constructor(target: { host: string; port: number }) {
    this.#target = target;
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Every connection that is open now goes silent for ever; new ones work. */
  stall(): void {
    for (const pair of this.#pairs) pair.silent = true;
  }

  /** Every connection to come is silent from its start. */
  stallNew(): void {
    this.#silentFromStart = true;
  }

  /** Every connection that is open now is reset. */
  reset(): void {
    for (const { client } of this.#pairs) client.resetAndDestroy();
  }

  async close(): Promise<void> {
    for (const { client, upstream } of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    this.accepted++;
    const upstream = connect(this.#target);
    const pair = { client, upstream, silent: this.#silentFromStart };
    this.#pairs.add(pair);
    client.on('data', (bytes) => pair.silent || upstream.write(bytes));
    upstream.on('data', (bytes) => pair.silent || client.write(bytes));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on('error', () => {});
      socket.on('close', () => {
        if (pair.silent && socket === upstream) return;
        other.destroy();
        this.#pairs.delete(pair);
      });
    }
  }
}
