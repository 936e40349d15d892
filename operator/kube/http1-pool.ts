import { request as httpRequest, type Agent } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Answer, Call, Transport } from './transport.ts';

function whenConnected(socket: Socket, then: () => void): void {
  const { secureConnecting } = socket as { secureConnecting?: boolean };
  if (secureConnecting) socket.once('secureConnect', then);
  else if (socket.connecting) socket.once('connect', then);
  else then();
}

/**
 * Connections of HTTP/1.1, one for every request that is open: for servers that do not speak HTTP/2, and through proxies of a
 * kubeconfig. It has no PING.
 */
export class Http1Pool implements Transport {
  readonly blind = true;
  readonly #url: URL;
  readonly #agent: Agent;

  constructor(url: URL, agent: Agent) {
    this.#url = url;
    this.#agent = agent;
  }

  send({ method, path, headers, body, signal, fence }: Call): Promise<Answer> {
    const { protocol, hostname, port } = this.#url;
    return new Promise((resolve, reject) => {
      const request = (protocol === 'http:' ? httpRequest : httpsRequest)({
        protocol,
        host: hostname.replace(/^\[|\]$/g, ''),
        port,
        method,
        path,
        agent: this.#agent,
        signal,
        headers: {
          ...headers,
          ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
        },
      });
      request.on('error', reject);
      request.on('response', (response) =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response }),
      );
      // Nothing is written before there is a connection, so that the fence is asked when the bytes go out.
      request.on('socket', (socket) =>
        whenConnected(socket, () => {
          try {
            fence?.();
          } catch (error) {
            reject(error);
            request.destroy();
            return;
          }
          request.end(body);
        }),
      );
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
