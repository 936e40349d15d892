/** A stream of numbers in [0, 1) that a seed repeats (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** From 0 to `below` - 1. */
export const integer = (next: () => number, below: number): number => Math.floor(next() * below);

export function pick<T>(next: () => number, list: readonly T[]): T {
  const one = list[integer(next, list.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
}

export const shuffled = <T>(next: () => number, list: readonly T[]): T[] =>
  list
    .map((item) => [next(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item);
