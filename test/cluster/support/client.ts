import { request as httpsRequest } from 'node:https';

/** Who a client is to the API server. */
export type Identity = { token: string } | { cert: string; key: string };

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** An object is sent as JSON, a string as it is. */
  body?: unknown;
  contentType?: string;
  /** application/json without it. */
  accept?: string;
}

export interface Answer {
  status: number;
  /** The message of a Status; empty for anything else. */
  message: string;
  body: Record<string, unknown>;
}

/** A client of the API server that judges nothing: what was answered is for the test to say. */
export class Client {
  readonly #url: string;
  readonly #tls: { ca: string; cert?: string; key?: string };
  readonly #authorization: Record<string, string>;

  constructor(url: string, ca: string, identity: Identity) {
    this.#url = url;
    this.#tls = 'token' in identity ? { ca } : { ca, ...identity };
    this.#authorization = 'token' in identity ? { authorization: `Bearer ${identity.token}` } : {};
  }

  /** Sends one call. Rejects only when there is no HTTP answer. */
  async call({
    method = 'GET',
    path,
    body,
    contentType = 'application/json',
    accept = 'application/json',
  }: Call): Promise<Answer> {
    const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const headers = {
      ...this.#authorization,
      accept,
      ...(payload !== undefined && { 'content-type': contentType }),
    };
    const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const request = httpsRequest(`${this.#url}${path}`, { ...this.#tls, method, headers }, (response) => {
        let received = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (received += chunk));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text: received }));
        response.once('error', reject);
      });
      request.once('error', reject);
      request.end(payload);
    });
    const decoded = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
    const message =
      decoded['kind'] === 'Status' && typeof decoded['message'] === 'string' ? decoded['message'] : '';
    return { status, message, body: decoded };
  }

  /** As call, but rejects when the answer is 400 or above: for what a test needs before it starts. */
  async must(call: Call): Promise<Record<string, unknown>> {
    const answer = await this.call(call);
    if (answer.status >= 400)
      throw new Error(`${call.method ?? 'GET'} ${call.path}: ${answer.status} ${answer.message}`);
    return answer.body;
  }
}
