import { readFile } from 'node:fs/promises';
import { KubeConfig, type RequestContext } from '@kubernetes/client-node';
import { Agent } from 'undici';

const decode = (data: string | undefined): Buffer | undefined =>
  data === undefined ? undefined : Buffer.from(data, 'base64');

const read = async (file: string | undefined, data: string | undefined): Promise<Buffer | undefined> =>
  file === undefined ? decode(data) : readFile(file);

/**
 * A KubeConfig whose requests share one pool of TLS connections. The stock one makes an agent, and so a TLS
 * handshake, for every request (client-node 2.0.1, applySecurityAuthentication).
 */
export class PooledKubeConfig extends KubeConfig {
  #pool: Promise<Agent> | undefined;

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    context.setDispatcher(await this.pool());
  }

  /** The shared pool; made at the first use. */
  pool(): Promise<Agent> {
    return (this.#pool ??= this.#connect());
  }

  async close(): Promise<void> {
    await (await this.#pool)?.destroy();
  }

  async #connect(): Promise<Agent> {
    const cluster = this.getCurrentCluster();
    const user = this.getCurrentUser();
    const [ca, cert, key] = await Promise.all([
      read(cluster?.caFile, cluster?.caData),
      read(user?.certFile, user?.certData),
      read(user?.keyFile, user?.keyData),
    ]);
    return new Agent({
      // Watches hold a connection each (HTTP/1.1); requests queue on what is left.
      connections: 24,
      bodyTimeout: 0,
      headersTimeout: 30_000,
      keepAliveTimeout: 60_000,
      connect: {
        timeout: 10_000,
        keepAlive: true,
        keepAliveInitialDelay: 20_000,
        ...(ca && { ca }),
        ...(cert && { cert }),
        ...(key && { key }),
      },
    });
  }
}
