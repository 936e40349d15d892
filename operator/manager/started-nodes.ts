import type { NodeSysctlState } from '../api/state.ts';

/** A node that was told to start counts as mid-change until its state shows it, or this long. */
const STARTED_MS = 30_000;

/** Nodes that were told a revision, until the caches show it: what is on its way must not be counted as not begun. */
export class StartedNodes {
  readonly #revisions = new Map<string, string>();
  readonly #at = new Map<string, number>();
  readonly #changed: (node: string) => void;

  constructor(changed: (node: string) => void) {
    this.#changed = changed;
  }

  /** Revision by node. */
  get revisions(): ReadonlyMap<string, string> {
    return this.#revisions;
  }

  /** `now`: monotonic, in ms. */
  add(node: string, revision: string, now: number = performance.now()): void {
    this.#at.set(node, now);
    if (this.#revisions.get(node) === revision) return;
    this.#revisions.set(node, revision);
    this.#changed(node);
  }

  /** The state of a node came, changed or went. */
  saw(node: string, state: NodeSysctlState | undefined): void {
    if (state && this.#revisions.get(node) === state.spec.revision) this.#forget(node);
  }

  /** Gives up those that have not been seen in time, and those whose node is gone. */
  expire(nodes: ReadonlyMap<string, unknown>, now: number = performance.now()): void {
    for (const [node, at] of this.#at) if (now - at > STARTED_MS || !nodes.has(node)) this.#forget(node);
  }

  #forget(node: string): void {
    this.#at.delete(node);
    if (this.#revisions.delete(node)) this.#changed(node);
  }
}
