/** The n-th effect of its name in one life of a process: what it is killed before. */
export interface Step {
  /** Such as "rename ledger.json.tmp". */
  effect: string;
  /** From 1. */
  nth: number;
}

export const stepName = ({ effect, nth }: Step): string => `${effect} #${nth}`;

/** Counts effects by name. */
export class StepCounter {
  readonly #counts = new Map<string, number>();

  next(effect: string): Step {
    const nth = (this.#counts.get(effect) ?? 0) + 1;
    this.#counts.set(effect, nth);
    return { effect, nth };
  }
}

/** The steps of a life, from its log. */
export function stepsOf(log: string): Step[] {
  return log
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const at = line.lastIndexOf(' #');
      return { effect: line.slice(0, at), nth: Number(line.slice(at + 2)) };
    });
}
