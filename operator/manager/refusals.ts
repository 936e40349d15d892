import type { ProfileFailure } from '../api/profile.ts';
import { messageOf } from '../errors.ts';
import { ApiError } from '../kube/api-server.ts';
import type { NodeAction } from './node-actions.ts';

/** The same request is not sent again before this: what refuses it (a policy, a quota, a right that is missing) is changed by people. */
const AGAIN_MS = 60_000;

/**
 * What the API server refused for good of what was decided for a node: told on the profiles that match the node until a later try goes
 * well or something else is decided. Of this replica's own jobs; another one's are told when one of the tries is made here.
 */
export class Refusals {
  readonly #byNode = new Map<string, { actions: readonly NodeAction[]; message: string; at: number }>();
  readonly #now: () => number;

  /** `now`: monotonic, in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Runs the work for a node and remembers how it went. Rejects as the work does. */
  async watch(node: string, actions: readonly NodeAction[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#byNode.delete(node);
    } catch (error) {
      if (error instanceof ApiError && error.terminal)
        this.#byNode.set(node, { actions, message: messageOf(error), at: this.#now() });
      throw error;
    }
  }

  /** The very same was refused a moment ago. An unchanged list of actions is the same object. */
  holdsBack(node: string, actions: readonly NodeAction[] | undefined): boolean {
    const refusal = this.#byNode.get(node);
    return refusal !== undefined && refusal.actions === actions && this.#now() - refusal.at < AGAIN_MS;
  }

  /** What was refused is no longer decided for these. */
  keepOnly(actions: ReadonlyMap<string, readonly NodeAction[]>): void {
    for (const node of this.#byNode.keys()) if (!actions.has(node)) this.#byNode.delete(node);
  }

  /** Of the nodes of one profile. Which these are is looked at only where there is a refusal. */
  failures(profile: { readonly matched: readonly string[] }): ProfileFailure[] {
    if (this.#byNode.size === 0) return [];
    const nodes = new Set(profile.matched);
    return [...this.#byNode]
      .filter(([node]) => nodes.has(node))
      .map(([node, { message }]) => ({ node, message }));
  }
}
