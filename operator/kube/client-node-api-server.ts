import { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { OperatorError } from '../errors.ts';
import type { Way } from './connection.ts';
import { HttpsApiServer, type Credentials, type RequestObserver } from './https-api-server.ts';
import type { Timing } from './transport.ts';

/** How long what a plugin or a file said is used without asking again; tokens are renewed long before they expire. */
const CREDENTIALS_MS = 10_000;

/** Certificates and names of the cluster, certificate and headers of the user: read from their files, or from a plugin, at each call. */
async function optionsOf(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  return options;
}

/** The user's headers: of a token, of a name and password, of whom to impersonate. */
class ConfiguredUser implements Credentials {
  readonly #config: KubeConfig;
  readonly #now: () => number;
  #headers: Promise<Record<string, string>> | undefined;
  #readAt = 0;

  constructor(config: KubeConfig, now: () => number) {
    this.#config = config;
    this.#now = now;
  }

  headers(): Promise<Record<string, string>> {
    if (!this.#headers || this.#now() - this.#readAt > CREDENTIALS_MS) {
      this.#readAt = this.#now();
      this.#headers = this.#read();
      // The next request asks again.
      this.#headers.catch(() => this.refused());
    }
    return this.#headers;
  }

  refused(): void {
    this.#headers = undefined;
  }

  async #read(): Promise<Record<string, string>> {
    const { headers = {}, auth } = await optionsOf(this.#config);
    const basic = auth && { authorization: `Basic ${Buffer.from(auth).toString('base64')}` };
    const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
    return { ...basic, ...(Object.fromEntries(named) as Record<string, string>) };
  }
}

const TLS_FIELDS = ['ca', 'cert', 'key', 'pfx', 'passphrase', 'rejectUnauthorized', 'servername'] as const;

async function wayTo(config: KubeConfig): Promise<Way> {
  const options = await optionsOf(config);
  const tls = Object.fromEntries(
    TLS_FIELDS.flatMap((field) => (options[field] === undefined ? [] : [[field, options[field]]])),
  );
  const cluster = config.getCurrentCluster();
  const direct = cluster?.server.startsWith('https:') && !cluster.proxyUrl;
  return { tls, ...(!direct && options.agent instanceof Agent && { through: options.agent }) };
}

export interface ClientNodeOptions {
  timing?: Partial<Timing>;
  /** Monotonic, in ms. */
  now?: () => number;
}

/**
 * The API server of a KubeConfig: in-cluster, kubeconfig, client certificates, credential plugins, proxies. Of client-node nothing else
 * is used: for each request it reads every file again and makes a TLS connection (2.0.1, applySecurityAuthentication).
 */
export class ClientNodeApiServer extends HttpsApiServer {
  constructor(
    config: KubeConfig,
    observe?: RequestObserver,
    { timing, now = () => performance.now() }: ClientNodeOptions = {},
  ) {
    const server = config.getCurrentCluster()?.server;
    if (server === undefined) throw new OperatorError('Configuration', 'the kubeconfig names no cluster');
    super({
      url: new URL(server),
      way: () => wayTo(config),
      credentials: new ConfiguredUser(config, now),
      userAgent: 'sysctl-operator',
      ...(observe && { observe }),
      ...(timing && { timing }),
    });
  }
}
