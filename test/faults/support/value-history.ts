import { setTimeout as sleep } from 'node:timers/promises';
import type { Layout } from '../../cluster/tool/layout.ts';
import { NodeValues } from './node-values.ts';

const EVERY_MS = 20;

/** Which values keys had in a node's kernel, one after the other; what lasted less than 20 ms may be missing. */
export class ValueHistory {
  readonly #node: NodeValues;
  readonly #seen: ReadonlyMap<string, string[]>;
  readonly #running: Promise<void>;
  #stopped = false;

  constructor(layout: Layout, node: string, keys: readonly string[]) {
    this.#node = new NodeValues(layout, node);
    this.#seen = new Map(keys.map((key) => [key, []]));
    this.#running = this.#run();
  }

  of(key: string): readonly string[] {
    return this.#seen.get(key) ?? [];
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    this.#node.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const next = sleep(EVERY_MS);
      await Promise.all(
        [...this.#seen].map(async ([key, values]) => {
          const value = await this.#node.read(key);
          if (value !== values.at(-1)) values.push(value);
        }),
      );
      await next;
    }
  }
}
