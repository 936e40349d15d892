import type { ProfileFailure } from '../api/profile.ts';
import type { Judgement, Verdict } from './readiness.ts';

const VERDICTS: readonly Verdict[] = ['ready', 'pending', 'failed', 'drifted', 'unavailable'];

/** How far the nodes of one profile are, counted while they change. */
export class Tally {
  readonly #judgements = new Map<string, Judgement>();
  readonly #by = new Map<Verdict, Map<string, readonly ProfileFailure[]>>(
    VERDICTS.map((v) => [v, new Map()]),
  );
  #updated = 0;

  /** A judgement that says the same as before leaves the node's place among the newest as it is. */
  set(node: string, judgement: Judgement): void {
    const before = this.#judgements.get(node);
    if (before && JSON.stringify(before) === JSON.stringify(judgement)) return;
    this.delete(node);
    this.#judgements.set(node, judgement);
    this.#by.get(judgement.verdict)?.set(node, judgement.failures);
    if (judgement.updated) this.#updated++;
  }

  delete(node: string): void {
    const before = this.#judgements.get(node);
    if (!before) return;
    this.#judgements.delete(node);
    this.#by.get(before.verdict)?.delete(node);
    if (before.updated) this.#updated--;
  }

  get(node: string): Judgement | undefined {
    return this.#judgements.get(node);
  }

  /** Nodes whose observed revision holds the profile's part as it is wanted now. */
  get updated(): number {
    return this.#updated;
  }

  count(verdict: Verdict): number {
    return this.#by.get(verdict)?.size ?? 0;
  }

  /** Names of the nodes, newest first. */
  nodes(verdict: Verdict): string[] {
    return [...(this.#by.get(verdict)?.keys() ?? [])].toReversed();
  }

  /** What these nodes are told to have, newest node first. */
  failures(verdict: Verdict): ProfileFailure[] {
    return [...(this.#by.get(verdict)?.values() ?? [])].toReversed().flat();
  }
}
