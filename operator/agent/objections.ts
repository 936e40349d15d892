import type { Deviation } from '../api/state.ts';
import { sameValue } from '../sysctl/values.ts';
import { Fights } from './fights.ts';
import type { LedgerEntry } from './ledger.ts';
import { isOurs, type Live, type Step } from './steps.ts';

/** A write that the kernel refused is not repeated by every sweep. */
const RETRY_MS = 10 * 60_000;

interface Refusal {
  from: string;
  to: string;
  at: number;
  deviation: Deviation;
}

/** Knows drift from work, and what speaks against a step: drift that is only reported, a fight of two writers, a refusal of just now. */
export class Objections {
  readonly #now: () => number;
  readonly #fights: Fights;
  readonly #refused = new Map<string, Refusal>();
  /** Values that were right before anything was written: the originals, should somebody change them later. */
  readonly #found = new Map<string, string>();

  /** `now` is a monotonic clock in ms. */
  constructor(now: () => number) {
    this.#now = now;
    this.#fights = new Fights(now);
  }

  /**
   * A new revision is a new chance. `exact`: the values that it names; `live`: what the kernel has now; `known`: keys that were written
   * already.
   */
  begin(
    exact: ReadonlyMap<string, string>,
    live: ReadonlyMap<string, Live>,
    known: ReadonlyMap<string, unknown>,
  ): void {
    this.#fights.reset();
    this.#refused.clear();
    for (const name of this.#found.keys()) if (!exact.has(name)) this.#found.delete(name);
    for (const [name, value] of exact) {
      const is = live.get(name);
      if (!known.has(name) && is && 'value' in is && sameValue(name, value, is.value))
        this.#found.set(name, is.value);
    }
  }

  /** The value that was right before anything was written, where it was. */
  found(name: string): string | undefined {
    return this.#found.get(name);
  }

  /** Why a step is not taken; undefined when it is. */
  to(step: Step, known: LedgerEntry | undefined, sweeping: boolean): Deviation | undefined {
    const { name, from, to, entry } = step;
    const refusal = this.#refused.get(name);
    if (refusal?.from === from && refusal.to === to && this.#now() - refusal.at < RETRY_MS)
      return refusal.deviation;
    if (!entry) return undefined;
    const live = { name, desired: to, live: from };
    if (entry.drift === 'Report' && (sweeping || this.isDrift(step, known))) {
      const had = known?.written ?? this.#found.get(name) ?? to;
      const message = `${name}: somebody else changed it from ${had} to ${from}; driftPolicy Report leaves it`;
      return { ...live, state: 'Drifted', message };
    }
    const truce = sweeping ? this.#fights.truce(name) : undefined;
    return truce === undefined ? undefined : { ...live, state: 'Contested', message: truce };
  }

  /** The wanted value was there already and is no longer: by another hand, also when the agent was away meanwhile. */
  isDrift({ name, from, to }: Step, known: LedgerEntry | undefined): boolean {
    if (!known) return this.#found.has(name);
    return (
      sameValue(name, known.written, to) &&
      !isOurs(name, from, known) &&
      !sameValue(name, known.original, from)
    );
  }

  /** A foreign value was put right. */
  corrected(name: string): void {
    this.#fights.corrected(name);
  }

  /** The kernel took it. */
  taken(name: string): void {
    this.#refused.delete(name);
  }

  /** The kernel did not take `to`, and has `from` now. */
  refused(name: string, from: string, to: string, deviation: Deviation): void {
    this.#refused.set(name, { from, to, at: this.#now(), deviation });
  }
}
