import { setTimeout as sleep } from 'node:timers/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

const AGAIN_MS = 50;

interface KeyValue {
  key: string;
  value: string;
  mod_revision: string;
}
interface Range {
  header: { revision: string };
  kvs?: KeyValue[];
}
interface WatchLine {
  result?: {
    canceled?: boolean;
    compact_revision?: string;
    events?: { type?: 'DELETE'; kv: KeyValue }[];
  };
}

const encoded = (text: string): string => Buffer.from(text).toString('base64');
const decoded = (text: string): string => Buffer.from(text, 'base64').toString();

export interface EtcdHistoryOptions {
  /** Of etcd's clients, on this machine, without TLS. */
  port: number;
  /** Ends with a slash: what is below it, as kube-apiserver keeps custom resources, in JSON. */
  prefix: string;
  /** Every version in its order, by what follows the prefix; undefined: it was deleted. */
  onVersion: (name: string, object: unknown) => void;
}

/**
 * Every version of some objects, out of etcd itself: a watch of the API server leaves out what came and went while that was away. etcd keeps
 * versions until they are compacted, which the API server does every five minutes.
 */
export class EtcdHistory {
  readonly #o: EtcdHistoryOptions;
  readonly #range: { key: string; range_end: string };
  /** From which revision on nothing has been told yet. */
  #next = 0n;

  constructor(options: EtcdHistoryOptions) {
    this.#o = options;
    // The first key behind all that begin with the prefix: '0' follows '/'.
    this.#range = { key: encoded(options.prefix), range_end: encoded(`${options.prefix.slice(0, -1)}0`) };
  }

  /** Resolves when the signal aborts; rejects when versions are lost. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#next === 0n) await this.#list(signal);
        await this.#watch(signal);
      } catch (error) {
        if (error instanceof Lost) throw error;
      }
      await sleep(AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { header, kvs = [] } = (await (await this.#post('kv/range', this.#range, signal)).json()) as Range;
    for (const { key, value } of kvs) this.#tell(key, JSON.parse(decoded(value)));
    this.#next = BigInt(header.revision) + 1n;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const request = { create_request: { ...this.#range, start_revision: String(this.#next) } };
    const { body } = await this.#post('watch', request, signal);
    if (!body) return;
    for await (const line of createInterface({ input: Readable.fromWeb(body) })) {
      const { result = {} } = JSON.parse(line) as WatchLine;
      if (result.canceled)
        throw new Lost(`etcd has forgotten revision ${this.#next} (up to ${result.compact_revision})`);
      for (const { type, kv } of result.events ?? []) {
        this.#tell(kv.key, type === 'DELETE' ? undefined : JSON.parse(decoded(kv.value)));
        this.#next = BigInt(kv.mod_revision) + 1n;
      }
    }
  }

  #tell(key: string, object: unknown): void {
    this.#o.onVersion(decoded(key).slice(this.#o.prefix.length), object);
  }

  #post(path: string, body: object, signal: AbortSignal): Promise<Response> {
    const url = `http://127.0.0.1:${this.#o.port}/v3/${path}`;
    return fetch(url, { method: 'POST', body: JSON.stringify(body), signal });
  }
}

class Lost extends Error {}
