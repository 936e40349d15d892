import { describe, expect, test } from '@jest/globals';
import { outOfOrder, overBudget, reportedOutOfOrder, type Told } from '../faults/support/history.ts';
import { allowedRestarts } from '../faults/support/kubelet-starts.ts';
import { differences, type NodeLook } from '../faults/support/node-look.ts';

const seen = (node: string, told: string, observed?: string, uid = node) => ({
  at: 0,
  node,
  uid,
  told,
  observed,
});
const state = (node: string, told: string, observed?: string, at = 0): Told => ({
  at,
  node,
  state: seen(node, told, observed),
});

const judge = (history: Told[]) => overBudget(history, () => ['p'], 1);
const differentProfiles = (revision: string): string[] => (revision === 'r1' ? ['p'] : ['q']);

describe('more nodes mid-change than may be', () => {
  test('are told', () => {
    expect(judge([state('a', 'r1'), state('b', 'r1')])).toEqual([
      '0 ms: b was told to start (nothing -> r1) for profile p while a was on its way (nothing -> r1)',
    ]);
  });

  test('are none when one starts after the other is through, or has gone', () => {
    expect(judge([state('a', 'r1'), state('a', 'r1', 'r1'), state('b', 'r1')])).toEqual([]);
    expect(judge([state('a', 'r1'), { at: 0, node: 'a', state: undefined }, state('b', 'r1')])).toEqual([]);
  });

  test('are none when a node on its way is told something newer', () => {
    expect(judge([state('a', 'r1'), state('a', 'r2'), state('a', 'r2', 'r1')])).toEqual([]);
  });

  test('do not count together for different profiles', () => {
    expect(overBudget([state('a', 'r1'), state('b', 'r2')], differentProfiles, 1)).toEqual([]);
  });

  test('do not count one that was not Ready a moment ago', () => {
    const unready: Told[] = [
      { at: 0, node: 'b', ready: false },
      { at: 1000, node: 'b', ready: true },
    ];
    expect(judge([...unready, state('a', 'r1', undefined, 1500), state('b', 'r1', undefined, 2000)])).toEqual(
      [],
    );
    expect(
      judge([...unready, state('a', 'r1', undefined, 1500), state('b', 'r1', undefined, 9000)]),
    ).toHaveLength(1);
    // Of a Node that goes the operator may hear a little sooner.
    const goes: Told = { at: 3000, node: 'b', ready: false };
    expect(judge([state('a', 'r1', undefined, 1000), state('b', 'r1', undefined, 2500), goes])).toEqual([]);
    expect(judge([state('a', 'r1', undefined, 1000), state('b', 'r1', undefined, 1500), goes])).toHaveLength(
      1,
    );
  });
});

describe('what a node was told', () => {
  test('may leave out what was asked for in between', () => {
    expect(outOfOrder(['', 'A', 'B', 'C'], ['A', 'A', 'C'])).toEqual([]);
  });

  test('may come again when it was asked for again', () => {
    expect(outOfOrder(['A', 'B', 'A'], ['A', 'B', 'A'])).toEqual([]);
  });

  test('must not go back', () => {
    expect(outOfOrder(['A', 'B'], ['B', 'A'])).toEqual(['came again, or after something newer: A']);
  });

  test('must not be twice what was asked for once', () => {
    expect(outOfOrder(['A', 'B'], ['A', 'B', 'A', 'B'])).toHaveLength(2);
  });

  test('must have been asked for', () => {
    expect(outOfOrder(['A'], ['X'])).toEqual(['came, and nobody asked for it: X']);
  });
});

describe('what an agent reports', () => {
  test('follows what it was told', () => {
    expect(
      reportedOutOfOrder([
        seen('a', 'r1'),
        seen('a', 'r1', 'r1'),
        seen('a', 'r2', 'r1'),
        seen('a', 'r2', 'r2'),
      ]),
    ).toEqual([]);
  });

  test('must not go back to what it has left', () => {
    expect(
      reportedOutOfOrder([seen('a', 'r1', 'r1'), seen('a', 'r2', 'r2'), seen('a', 'r2', 'r1')]),
    ).toHaveLength(1);
  });
});

const at = (from: number, to = from) => ({ from, to });

test('a kubelet may be restarted once for a change of its list, and twice more for each fault that may show in it', () => {
  const changes = [
    { from: 0, to: 10_000 },
    { from: 50_000, to: 60_000 },
  ];
  expect(allowedRestarts(changes, [])).toBe(2);
  // In the first; between them, and over; what goes on into the second, and what shows in it.
  expect(allowedRestarts(changes, [at(5000), at(15_000), at(20_000, 45_000), at(49_000)])).toBe(8);
});

describe('a node', () => {
  const before: NodeLook = { values: { k: '1', l: '1' }, allowed: ['own'], originals: {} };
  const wanted = { sysctls: [['k', '2', 'p'] as [string, string, string]], patterns: ['x'] };
  const right: NodeLook = { values: { k: '2', l: '1' }, allowed: ['own', 'x'], originals: { k: '1' } };

  test('that has everything has no difference', () => {
    expect(differences('n', right, wanted, before)).toEqual([]);
    expect(differences('n', before, { sysctls: [], patterns: [] }, before)).toEqual([]);
  });

  test.each([
    ['a value that is not the wanted one', { values: { k: '3', l: '1' } }, 'k is 3, and must be 2'],
    ['a value that was left', { values: { k: '2', l: '7' } }, 'l is 7, and must be 1'],
    ['a pattern that is missing', { allowed: ['own'] }, 'the kubelet allows [own], and must allow [own x]'],
    [
      "the admin's pattern that is gone",
      { allowed: ['x'] },
      'the kubelet allows [x], and must allow [own x]',
    ],
    [
      'an original that is not what was there',
      { originals: { k: '2' } },
      'the ledger has 2 for the original',
    ],
    [
      'an original that was left',
      { originals: { k: '1', l: '1' } },
      'the ledger has 1 for the original of l',
    ],
  ])('tells %s', (_what, part, problem) => {
    expect(differences('n', { ...right, ...part }, wanted, before)).toEqual([
      expect.stringContaining(problem),
    ]);
  });
});
