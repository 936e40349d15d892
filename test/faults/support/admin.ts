import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Answer, type Call } from '../../cluster/support/client.ts';
import type { Layout } from '../../cluster/tool/layout.ts';

const TRIES_MS = 120_000;

/** cluster-admin at the API server itself, who tries again while that is down: a test goes on where the server does. */
export class Admin {
  readonly #client: Client;

  constructor(layout: Layout) {
    const pem = (name: string): string => readFileSync(join(layout.pki, name), 'utf8');
    const identity = { cert: pem('admin.crt'), key: pem('admin.key') };
    this.#client = new Client(`https://127.0.0.1:${layout.apiPort}`, pem('ca.crt'), identity);
  }

  /** Resolves with an answer below 500; rejects after two minutes without one. */
  async call(call: Call): Promise<Answer> {
    const deadline = performance.now() + TRIES_MS;
    for (;;) {
      const answer = await this.#client.call(call).catch((error: unknown) => String(error));
      if (typeof answer !== 'string' && answer.status < 500 && answer.status !== 429) return answer;
      if (performance.now() > deadline)
        throw new Error(
          `${call.method ?? 'GET'} ${call.path}: ${typeof answer === 'string' ? answer : answer.message}`,
        );
      await sleep(100);
    }
  }

  /** The object; undefined where there is none. Throws for every other status of 400 and above. */
  async get<T>(path: string): Promise<T | undefined> {
    const { status, body, message } = await this.call({ path });
    if (status === 404) return undefined;
    if (status >= 400) throw new Error(`GET ${path}: ${status} ${message}`);
    return body as T;
  }

  /** Server-side apply: the object is as it says, whether it was there or not. */
  async apply(path: string, body: unknown): Promise<void> {
    const { status, message } = await this.call({
      method: 'PATCH',
      path: `${path}?fieldManager=faults&force=true`,
      body,
      contentType: 'application/apply-patch+yaml',
    });
    if (status >= 400) throw new Error(`apply ${path}: ${status} ${message}`);
  }

  async delete(path: string): Promise<void> {
    const { status, message } = await this.call({ method: 'DELETE', path });
    if (status >= 400 && status !== 404) throw new Error(`DELETE ${path}: ${status} ${message}`);
  }
}
