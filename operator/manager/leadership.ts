import { OperatorError } from '../errors.ts';
import type { Fence } from '../kube/fence.ts';
import type { Term } from '../kube/leader-election.ts';

/** Whether this replica leads now. What only the leader may do asks the fence first. */
export class Leadership {
  #term: Term | undefined;

  readonly fence: Fence = () => {
    if (!this.#term) throw new OperatorError('Fenced', 'this replica does not lead');
    this.#term.fence();
  };

  /** By the clock, not by what this replica has been told: it may have been stopped for a while. */
  get leads(): boolean {
    try {
      this.fence();
      return true;
    } catch {
      return false;
    }
  }

  /** The fence lets through while the work runs and the term lasts. */
  async during(term: Term, work: () => Promise<void>): Promise<void> {
    this.#term = term;
    try {
      await work();
    } finally {
      this.#term = undefined;
    }
  }
}
