import { otherWriters } from '../sysctl/catalog/lookup.ts';

const ROUNDS = 5;
const WINDOW_MS = 10 * 60_000;
const TRUCE_MS = 10 * 60_000;

/** Notices a key that somebody else keeps writing, and stops correcting it for a while: two writers that never give up help nobody. */
export class Fights {
  readonly #corrections = new Map<string, number[]>();
  readonly #truces = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Notes that a foreign value was corrected. */
  corrected(name: string): void {
    const now = this.#now();
    const recent = (this.#corrections.get(name) ?? []).filter((at) => now - at < WINDOW_MS);
    recent.push(now);
    this.#corrections.set(name, recent);
    if (recent.length >= ROUNDS) this.#truces.set(name, now + TRUCE_MS);
  }

  /** Why the key is left alone for now; undefined when it may be corrected. */
  truce(name: string): string | undefined {
    const until = this.#truces.get(name);
    if (until === undefined) return undefined;
    if (this.#now() < until)
      return `${name}: another writer keeps changing it (corrected ${ROUNDS} times in 10 minutes); likely ${otherWriters(name).join(' or ')}. It is left alone for 10 minutes or until the profile changes`;
    this.#truces.delete(name);
    this.#corrections.delete(name);
    return undefined;
  }

  /** A new revision is a new chance. */
  reset(): void {
    this.#corrections.clear();
    this.#truces.clear();
  }
}
