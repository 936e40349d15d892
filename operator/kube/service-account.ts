import { readFileSync } from 'node:fs';
import { HttpsApiServer, type Credentials } from './https-api-server.ts';
import type { Timing } from './transport.ts';

export interface ServiceAccountOptions {
  host: string;
  port: number;
  /** Files of a mounted ServiceAccount. */
  caFile: string;
  tokenFile: string;
  /** caFile is the certificate of the server itself: it is believed for this connection whatever name it has. */
  pinned?: boolean;
  /** Monotonic, in ms. */
  now?: () => number;
  timing?: Partial<Timing>;
}

/** The kubelet renews a projected token long before it expires; reading it once a minute is what client-go does. */
const TOKEN_MS = 60_000;

/** The token of a file, read again once a minute and when the server does not take it. */
class TokenFile implements Credentials {
  readonly #file: string;
  readonly #now: () => number;
  #token = '';
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(file: string, now: () => number) {
    this.#file = file;
    this.#now = now;
  }

  headers(): Record<string, string> {
    if (this.#now() - this.#readAt > TOKEN_MS) {
      this.#token = readFileSync(this.#file, 'utf8').trim();
      this.#readAt = this.#now();
    }
    return { authorization: `Bearer ${this.#token}` };
  }

  refused(): void {
    this.#readAt = Number.NEGATIVE_INFINITY;
  }
}

/** A server to which a pod's ServiceAccount is known: the API server, or the node's kubelet. */
export function serviceAccountApiServer(options: ServiceAccountOptions): HttpsApiServer {
  const { host, port, caFile, tokenFile, pinned, timing, now = () => performance.now() } = options;
  return new HttpsApiServer({
    url: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    way: () => ({
      tls: {
        ca: readFileSync(caFile),
        ...(pinned && { allowPartialTrustChain: true, checkServerIdentity: () => undefined }),
      },
    }),
    credentials: new TokenFile(tokenFile, now),
    userAgent: 'sysctl-operator-agent',
    ...(timing && { timing }),
  });
}
