import { isDeepStrictEqual } from 'node:util';
import type { NodeAction } from './node-actions.ts';

/** A job may be lost with Redis, or end because its view was old: while there is work, it is queued again this often. */
export const REQUEUE_MS = 2000;

/** Work that was decided anew is another object, although mostly the same. */
const isSame = (one: readonly NodeAction[], other: readonly NodeAction[]): boolean =>
  one === other || isDeepStrictEqual(one, other);

/** What was queued for which node: thousands of jobs that wait are not added again at every run of the loop. */
export class QueuedWork {
  readonly #queued = new Map<string, { actions: readonly NodeAction[]; at: number }>();
  readonly #now: () => number;

  /** `now`: monotonic, in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Nodes whose work is new, another one than before, or was queued long ago. */
  due(actions: ReadonlyMap<string, readonly NodeAction[]>): string[] {
    for (const node of this.#queued.keys()) if (!actions.has(node)) this.#queued.delete(node);
    const old = this.#now() - REQUEUE_MS;
    return [...actions.entries()]
      .filter(([node, own]) => {
        const queued = this.#queued.get(node);
        return !queued || queued.at <= old || !isSame(queued.actions, own);
      })
      .map(([node]) => node);
  }

  /** Redis has taken these. */
  took(nodes: readonly string[], actions: ReadonlyMap<string, readonly NodeAction[]>): void {
    const at = this.#now();
    for (const node of nodes) {
      const own = actions.get(node);
      if (own) this.#queued.set(node, { actions: own, at });
    }
  }
}
