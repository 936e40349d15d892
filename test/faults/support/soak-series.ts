/** One measurement of everything, by name: `agent node-1 anonymous MB`, `Redis keys`. */
export interface Measured {
  /** ms since the start. */
  at: number;
  values: Readonly<Record<string, number>>;
}

/** How one of the values went: its floor and its top in the first and the last third after the warm-up. */
export interface Trend {
  name: string;
  floor: [first: number, last: number];
  top: [first: number, last: number];
  /** Of the floor. */
  perHour: number;
}

/** Of the first third nothing is judged: code is compiled, heaps are given their size. */
const WARM_UP = 1 / 3;
/** V8 goes on giving heaps their size for so long, in ms: 17 minutes were measured, and nothing after them. */
const SETTLING_MS = 20 * 60_000;

const round = (value: number): number => Math.round(value * 100) / 100;

export function trends(series: readonly Measured[]): Trend[] {
  const warm = series.slice(Math.floor(series.length * WARM_UP));
  const third = Math.floor(warm.length / 3);
  const [first, last] = [warm.slice(0, third), warm.slice(-third)];
  const middle = (part: readonly Measured[]): number => part[Math.floor(part.length / 2)]?.at ?? 0;
  const hours = (middle(last) - middle(first)) / 3_600_000;
  return Object.keys(series[0]?.values ?? {}).map((name) => {
    const of = (part: readonly Measured[]): number[] => part.map(({ values }) => values[name] ?? 0);
    const floor: [number, number] = [Math.min(...of(first)), Math.min(...of(last))];
    const top: [number, number] = [Math.max(...of(first)), Math.max(...of(last))];
    return { name, floor, top, perHour: round((floor[1] - floor[0]) / hours) };
  });
}

/**
 * How much a value may grow. A heap is collected when it suits V8, and between two collections it grows whatever the program does: so the
 * floors are compared, and what two collections may differ in (`once`) is allowed. `settling`: instead, in a run that is judged before
 * the heaps have their size. Files and keys come and go with the work: of them too the floor tells.
 */
interface Bound {
  of: 'floor' | 'top';
  once: number;
  settling?: number;
}

const BOUNDS: readonly [pattern: RegExp, bound: Bound][] = [
  [/anonymous MB$/, { of: 'floor', once: 4, settling: 12 }],
  [/Redis MB$/, { of: 'floor', once: 1 }],
  [/descriptors$/, { of: 'floor', once: 2 }],
  [/Redis keys$/, { of: 'floor', once: 2 }],
  [/^(revisions|states|leases|pods)$/, { of: 'top', once: 4 }],
];

/** What grew more than it may. Values without a bound are for people. */
export function growth(series: readonly Measured[]): string[] {
  const judgedFrom = (series.at(-1)?.at ?? 0) * WARM_UP;
  return trends(series).flatMap((trend) => {
    const bound = BOUNDS.find(([pattern]) => pattern.test(trend.name))?.[1];
    if (!bound) return [];
    const [before, after] = trend[bound.of];
    const allowed = judgedFrom < SETTLING_MS - 60_000 ? (bound.settling ?? bound.once) : bound.once;
    return after - before > allowed
      ? [`${trend.name} grew from ${round(before)} to ${round(after)}; at most ${allowed} more are allowed`]
      : [];
  });
}

export const table = (series: readonly Measured[]): string =>
  trends(series)
    .map(
      ({ name, floor, top, perHour }) =>
        `${name.padEnd(34)} floor ${floor.map(round).join(' -> ').padEnd(20)} top ${top.map(round).join(' -> ').padEnd(20)} ${perHour} per hour`,
    )
    .join('\n');
