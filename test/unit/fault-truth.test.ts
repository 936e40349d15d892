import { describe, expect, test } from '@jest/globals';
import { growth } from '../faults/support/soak-series.ts';
import { lagOf, untruths, type Epoch, type Sample } from '../faults/support/truth.ts';

const sample = (
  from: number,
  ready: 'True' | 'False',
  values: readonly string[],
  { generation = 2, count = 0, cells = {} }: { generation?: number; count?: number; cells?: object } = {},
): Sample => {
  const reason = ready === 'True' ? 'AllNodesReady' : 'RollingOut';
  return {
    from,
    to: from + 10,
    profile: {
      metadata: { name: 'p', generation: 2 },
      spec: {},
      status: {
        observedGeneration: generation,
        nodes: { matched: 2, updated: 0, ready: count, failed: 0, drifted: 0 },
        conditions: [
          {
            type: 'Ready',
            status: ready,
            reason,
            message: '',
            observedGeneration: generation,
            lastTransitionTime: '',
          },
        ],
      },
    } as unknown as Sample['profile'],
    cells: { Ready: ready, Reason: reason, Matched: 2, Updated: 0, 'Nodes Ready': count, ...cells },
    states: ['a', 'b'].map((name) => ({
      metadata: { name },
      spec: { revision: 'r2' },
      status: {
        observedRevision: count === 2 ? 'r2' : 'r1',
        conditions: [{ type: 'Ready', status: 'True', reason: '', message: '', lastTransitionTime: '' }],
      },
    })),
    values: { a: { k: values[0] ?? '' }, b: { k: values[1] ?? '' } },
  };
};
const epoch = (...samples: Sample[]): Epoch => ({
  name: 'edit',
  generation: 2,
  wanted: { a: { k: '2' }, b: { k: '2' } },
  samples,
});

describe('a status is true when', () => {
  test('Ready follows the last value', () => {
    const told = epoch(
      sample(0, 'False', ['1', '1']),
      sample(100, 'False', ['2', '1'], { count: 1 }),
      sample(200, 'False', ['2', '2'], { count: 1 }),
      sample(300, 'True', ['2', '2'], { count: 2 }),
    );
    expect(untruths(told)).toEqual([]);
    expect(lagOf(told)).toBe(90);
  });

  test('a Ready of before the edit stands for the spec of before', () => {
    expect(untruths(epoch(sample(0, 'True', ['1', '1'], { generation: 1, count: 0 })))).toEqual([]);
  });
});

describe('a status is not true when', () => {
  test.each([
    [
      'Ready is True and a node lacks a value',
      sample(0, 'True', ['2', '1']),
      'Ready is True, and only a has everything',
    ],
    [
      'a node too many is counted',
      sample(0, 'False', ['1', '1'], { count: 1 }),
      '1 nodes are counted as ready',
    ],
    [
      'a column is old',
      sample(0, 'False', ['1', '1'], { cells: { Ready: 'True' } }),
      'the column Ready says True',
    ],
    [
      'a state is Ready and its node lacks a value',
      sample(0, 'False', ['2', '1'], { count: 2 }),
      'the state of b',
    ],
  ])('%s', (_what, one, problem) => {
    expect(untruths(epoch(one))).toContainEqual(expect.stringContaining(problem));
  });

  test('Ready stays False for more than two seconds after the last value', () => {
    const late = epoch(sample(0, 'False', ['2', '2']), sample(2500, 'True', ['2', '2'], { count: 2 }));
    expect(untruths(late)).toEqual([expect.stringContaining('Ready was False for 2490 ms')]);
    expect(lagOf(epoch(sample(0, 'False', ['2', '2'])))).toBe(Number.POSITIVE_INFINITY);
  });

  test('nothing is said of a lag while one still lacks a value', () => {
    expect(lagOf(epoch(sample(0, 'False', ['2', '2']), sample(9000, 'False', ['2', '1'])))).toBeUndefined();
  });
});

/** An hour, a sample a minute; the heap is collected every seven minutes. */
const series = (name: string, value: (minute: number) => number) =>
  Array.from({ length: 60 }, (_, i) => ({ at: i * 60_000, values: { [name]: value(i) } }));

/** The same in five minutes. */
const short = (value: (sample: number) => number) =>
  series('manager anonymous MB', value).map(({ at, values }) => ({ at: at / 12, values }));

describe('in a soak', () => {
  test('a heap that is collected does not grow', () => {
    expect(growth(series('manager anonymous MB', (i) => 50 + (i % 7) * 3))).toEqual([]);
  });

  test('what grows while it warms up is not judged', () => {
    expect(growth(series('manager anonymous MB', (i) => Math.min(20 + i * 3, 50)))).toEqual([]);
  });

  test('a heap whose floor rises grows', () => {
    expect(growth(series('agent node-1 anonymous MB', (i) => 20 + i * 0.3 + (i % 7)))).toEqual([
      expect.stringContaining('agent node-1 anonymous MB grew from'),
    ]);
  });

  test('a heap may still be given its size in a run of some minutes, and not grow without end', () => {
    expect(growth(short((i) => 40 + i * 0.2))).toEqual([]);
    expect(growth(short((i) => 40 + i))).toHaveLength(1);
  });

  test.each(['redis descriptors', 'Redis keys', 'revisions', 'leases'])(
    '%s that become more and more grow',
    (name) => {
      expect(growth(series(name, (i) => 10 + i))).toHaveLength(1);
      expect(growth(series(name, (i) => 10 + (i % 3)))).toEqual([]);
    },
  );
});
