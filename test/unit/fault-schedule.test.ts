import { describe, expect, test } from '@jest/globals';
import { assert, integer, property } from 'fast-check';
import { contentKey } from '../faults/support/history.ts';
import { changed, KEYS, wantedOf, type Profiles } from '../faults/support/profiles.ts';
import { Random } from '../faults/support/random.ts';
import { schedule, type Step } from '../faults/support/schedule.ts';

const nodes = ['node-1', 'node-2'];
const plan = (seed: number, kills = 60, network = 25) => schedule({ seed, kills, network, nodes });
const seeds = integer({ min: 0, max: 2 ** 31 });
const changesOf = (steps: readonly Step[]) => steps.flatMap((s) => (s.kind === 'change' ? [s.change] : []));

describe('the schedule of a seed', () => {
  test('is the same each time, and another for another seed', () => {
    assert(
      property(seeds, (seed) => expect(plan(seed)).toEqual(plan(seed))),
      { numRuns: 20 },
    );
    expect(plan(1)).not.toEqual(plan(2));
  });

  test('has as many kills and network faults as were asked for, and ends in a check', () => {
    assert(
      property(seeds, integer({ min: 1, max: 50 }), integer({ min: 0, max: 20 }), (seed, k, n) => {
        const { steps } = plan(seed, k, n);
        const count = (kind: Step['kind']): number => steps.filter((s) => s.kind === kind).length;
        expect([count('kill'), count('network')]).toEqual([k, n]);
        expect(steps.at(-1)?.kind).toBe('check');
      }),
    );
  });

  test('meets every process and every kind of network fault, and both kinds of Redis', () => {
    const { steps } = plan(5, 300, 100);
    const killed = new Set(steps.flatMap((s) => (s.kind === 'kill' ? [s.victim.what] : [])));
    expect([...killed].toSorted()).toEqual(
      ['agent', 'containerd', 'etcd', 'kube-apiserver', 'kubelet', 'manager', 'redis'].toSorted(),
    );
    const faults = Array.from({ length: 5 }, (_, seed) => plan(seed, 300, 100).steps).flat();
    const kinds = new Set(faults.flatMap((s) => (s.kind === 'network' ? [s.fault.fault] : [])));
    expect(kinds.size).toBe(10);
    expect(new Set(Array.from({ length: 20 }, (_, seed) => plan(seed).redis)).size).toBe(2);
  });

  test('changes something with every change, and never makes a profile without an entry', () => {
    assert(
      property(seeds, (seed) => {
        let profiles: Profiles = new Map();
        for (const change of changesOf(plan(seed).steps)) {
          const next = changed(profiles, change);
          expect(JSON.stringify([...next])).not.toBe(JSON.stringify([...profiles]));
          const entries = change.to && [...Object.keys(change.to.values), ...change.to.patterns];
          expect(entries).not.toEqual([]);
          profiles = next;
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('what profiles make of a node', () => {
  const all = { priority: 0, nodes, values: { a: '2', b: '2' }, patterns: ['p'] };
  const last = { priority: 10, nodes: ['node-2'], values: { b: '3' }, patterns: ['o', 'p'] };
  const profiles: Profiles = new Map(Object.entries({ last, all }));

  test('is the value of the highest priority, and every pattern once', () => {
    expect(wantedOf(profiles, 'node-2')).toEqual({
      sysctls: [
        ['a', '2', 'all'],
        ['b', '3', 'last'],
      ],
      patterns: ['o', 'p'],
    });
  });

  test('is nothing of a profile that does not match', () => {
    expect(wantedOf(profiles, 'node-1')).toMatchObject({ patterns: ['p'] });
    expect(contentKey(wantedOf(profiles, 'node-3'))).toBe(contentKey(wantedOf(new Map(), 'node-1')));
  });

  test('two profiles never want the same value', () => {
    const random = new Random(7);
    for (const next of Object.values(KEYS))
      for (let i = 0; i < 200; i++) expect(next(random, 0)).not.toBe(next(random, 1));
  });
});
