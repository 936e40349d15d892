import { describe, expect, test } from '@jest/globals';
import {
  budgetOf,
  Rollout,
  type RolloutDecision,
  type RolloutNode,
  type RolloutProfile,
} from '../../operator/rollout/rollout.ts';

const node = (name: string, more: Partial<RolloutNode> = {}): RolloutNode => ({
  name,
  wanted: 'new',
  current: 'old',
  observed: 'old',
  state: 'ready',
  available: true,
  profiles: ['p'],
  ...more,
});
const done: Partial<RolloutNode> = { current: 'new', observed: 'new' };
const chooseOf = (
  nodes: readonly RolloutNode[],
  profiles: ReadonlyMap<string, RolloutProfile>,
): RolloutDecision => {
  const rollout = new Rollout();
  for (const n of nodes) rollout.setNode(n);
  return rollout.choose(profiles);
};
const choose = (nodes: readonly RolloutNode[], more: Partial<RolloutProfile> = {}): RolloutDecision => {
  const names = new Set(nodes.flatMap((n) => n.profiles));
  const profile = (name: string): RolloutProfile => ({
    maxUnavailable: 1,
    paused: false,
    matched: nodes.filter((n) => n.profiles.includes(name)).length,
    ...more,
  });
  return chooseOf(nodes, new Map([...names].map((name) => [name, profile(name)])));
};
const nodes = (count: number, more: Partial<RolloutNode> = {}): RolloutNode[] =>
  Array.from({ length: count }, (_, i) => node(`n-${i + 1}`, more));

describe('maxUnavailable', () => {
  test.each<[number | string, number, number]>([
    [1, 100, 1],
    [3, 100, 3],
    [300, 100, 300],
    [0, 100, 1],
    [-5, 100, 1],
    ['4', 100, 4],
    ['10%', 100, 10],
    ['10%', 19, 1],
    ['10%', 20, 2],
    ['10%', 5, 1],
    ['33%', 10, 3],
    ['100%', 7, 7],
    ['0%', 100, 1],
    ['50%', 0, 1],
    ['much', 100, 1],
    ['', 100, 1],
  ])('%j of %i nodes lets %i change at once', (maxUnavailable, matched, budget) => {
    expect(budgetOf(maxUnavailable, matched)).toBe(budget);
  });
});

describe('the nodes that may change now', () => {
  test('are the first in natural order, as many as maxUnavailable', () => {
    const fleet = nodes(12).toReversed();
    expect(choose(fleet, { maxUnavailable: 3 }).start).toEqual(['n-1', 'n-2', 'n-3']);
  });

  test('are those that were told to begin before others; of these too no more than maxUnavailable', () => {
    const begun = { begun: true };
    const fleet = [node('n-1'), node('n-2', begun), node('n-3', begun)];
    expect(choose(fleet).start).toEqual(['n-2']);
    expect([...choose(fleet).waiting.keys()]).toEqual(['n-3', 'n-1']);
    expect(choose(fleet, { maxUnavailable: 2 }).start).toEqual(['n-2', 'n-3']);
    expect(choose(fleet, { maxUnavailable: 3 }).start).toEqual(['n-2', 'n-3', 'n-1']);
  });

  test('are not those that were told to begin while they were on their way, once they have come and another is', () => {
    const onItsWay = node('n-1', { observed: 'older' });
    expect(choose([onItsWay, node('n-2', { begun: true, observed: 'older' })]).start).toEqual(['n-1', 'n-2']);
    expect(choose([onItsWay, node('n-2', { begun: true })]).start).toEqual(['n-1']);
  });

  test('leave room for one that was told to begin and has what it must have again: it may still be told', () => {
    expect(choose([node('n-1'), node('n-2', { ...done, begun: true })]).start).toEqual([]);
  });

  test('are none where every node has what it must have', () => {
    const decision = choose(nodes(5, done));
    expect(decision.start).toEqual([]);
    expect(decision.waiting.size).toBe(0);
  });

  test('are new nodes too, which have nothing yet', () => {
    const fresh = { name: 'a', wanted: 'new', state: 'unknown', available: true, profiles: ['p'] } as const;
    expect(choose([fresh, { ...fresh, name: 'b' }]).start).toEqual(['a']);
  });

  test('are fewer by those that have not converged', () => {
    const fleet = [node('busy', { current: 'new' }), ...nodes(5)];
    const decision = choose(fleet, { maxUnavailable: 2 });
    expect(decision.start).toEqual(['n-1']);
    expect(decision.waiting.get('n-2')).toBe(
      'profile p: maxUnavailable is reached (2 mid-change or not Ready)',
    );
  });

  test('are fewer by those whose Node is not Ready, for whatever reason', () => {
    const fleet = [node('down', { ...done, available: false }), ...nodes(5)];
    expect(choose(fleet).start).toEqual([]);
    expect(choose(fleet, { maxUnavailable: 2 }).start).toEqual(['n-1']);
  });

  test('include one that is unavailable anyway: it makes no more unavailable', () => {
    const fleet = [...nodes(2), node('z-busy', { current: 'older' }), node('z-down', { available: false })];
    expect(choose(fleet).start).toEqual(['z-busy', 'z-down']);
    expect(choose(fleet, { maxUnavailable: 3 }).start).toEqual(['z-busy', 'z-down', 'n-1']);
  });

  test('of two profiles fit into both budgets', () => {
    const both = { profiles: ['p', 'q'] };
    const fleet = [
      node('q-busy', { current: 'new', profiles: ['q'] }),
      node('a', both),
      node('b', { profiles: ['p'] }),
    ];
    const decision = choose(fleet);
    expect(decision.start).toEqual(['b']);
    expect(decision.waiting.get('a')).toContain('profile q: maxUnavailable is reached');
  });

  test('of one profile do not wait for another one', () => {
    const fleet = [node('q-busy', { current: 'new', profiles: ['q'] }), node('a')];
    expect(choose(fleet).start).toEqual(['a']);
  });

  test('without a profile are given back a tenth at a time, at least one', () => {
    expect(choose(nodes(9, { profiles: [] })).start).toHaveLength(1);
    expect(choose(nodes(40, { profiles: [] })).start).toHaveLength(4);
    const fleet = [...nodes(39, { profiles: [] }), node('busy', { current: 'new', profiles: [] })];
    const decision = choose(fleet);
    expect(decision.start).toHaveLength(3);
    expect(decision.waiting.get('n-4')).toBe('4 other nodes are being given back');
  });
});

describe('a paused profile', () => {
  test('starts no node, not even one that is unavailable', () => {
    const decision = choose([...nodes(2), node('down', { available: false })], { paused: true });
    expect(decision.start).toEqual([]);
    expect([...decision.waiting.keys()].toSorted()).toEqual(['down', 'n-1', 'n-2']);
    expect(decision.waiting.get('n-1')).toBe('the rollout of profile p is paused');
  });

  test('holds only its own nodes', () => {
    const decision = chooseOf(
      [node('a', { profiles: ['p'] }), node('b', { profiles: ['q'] }), node('c', { profiles: ['p', 'q'] })],
      new Map([
        ['p', { maxUnavailable: 5, paused: true, matched: 2 }],
        ['q', { maxUnavailable: 5, paused: false, matched: 2 }],
      ]),
    );
    expect(decision.start).toEqual(['b']);
  });
});

describe('a failed node', () => {
  const failed = node('bad', { ...done, state: 'failed' });

  test('stops the wave of its profile and is named', () => {
    const decision = choose([failed, ...nodes(3)], { maxUnavailable: 3 });
    expect(decision.start).toEqual([]);
    expect(decision.stalled.get('p')).toEqual({
      node: 'bad',
      reason: 'node bad failed and holds back the nodes that have not changed yet',
    });
    expect(decision.waiting.get('n-1')).toContain('node bad failed');
  });

  test('stops every profile that it has, and no other', () => {
    const fleet = [
      { ...failed, profiles: ['p', 'q'] },
      node('a', { profiles: ['q'] }),
      node('b', { profiles: ['r'] }),
      node('c', { profiles: ['q', 'r'] }),
    ];
    const decision = choose(fleet);
    expect(decision.start).toEqual(['b']);
    expect([...decision.stalled.keys()]).toEqual(['p', 'q']);
  });

  test.each<[string, Partial<RolloutNode>]>([
    ['it failed with an older revision: the newer one may mend it', { current: 'old', observed: 'old' }],
    ['it has not tried the revision yet', { current: 'new', observed: 'old' }],
    ['it only drifted', { ...done, state: 'drifted' }],
    ['its agent says nothing', { ...done, state: 'unknown' }],
  ])('stops nothing where %s', (_, more) => {
    const decision = choose([node('bad', { state: 'failed', ...more }), ...nodes(2)], { maxUnavailable: 9 });
    expect(decision.stalled.size).toBe(0);
    expect(decision.start).toEqual(expect.arrayContaining(['n-1', 'n-2']));
  });
});
