import { describe, expect, test } from '@jest/globals';
import { Fleet } from './support/fleet.ts';

const seeds = Array.from({ length: 150 }, (_, i) => i + 1);
const LONG = 1000;

describe.each(seeds)('a fleet made of seed %i', (seed) => {
  test('never has more than maxUnavailable nodes unavailable, and finishes', () => {
    const fleet = new Fleet(seed);
    const broken: string[] = [];
    let steps = 0;
    while (!fleet.finished && steps++ < LONG) {
      broken.push(...fleet.step().broken);
      fleet.agentsWork();
    }
    expect({ broken, finished: fleet.finished }).toEqual({ broken: [], finished: true });
  });

  test('starts no node beyond the budget while others go down and wishes change, and finishes after', () => {
    const fleet = new Fleet(seed);
    const broken: string[] = [];
    let steps = 0;
    while ((steps < 60 || !fleet.finished) && steps++ < LONG) {
      if (steps < 60)
        for (const n of fleet.nodes) {
          if (fleet.next() < 0.03) n.available = false;
          if (fleet.next() < 0.02) n.wanted = `r${steps}`;
        }
      broken.push(...fleet.step().broken);
      fleet.agentsWork();
    }
    expect({ broken, finished: fleet.finished }).toEqual({ broken: [], finished: true });
  });

  test('a failed node stops its profiles and no other; a newer revision sets them going again', () => {
    const fleet = new Fleet(seed);
    const held = new Set<string>();
    const wrong: string[] = [];
    for (let step = 0; step < LONG; step++) {
      const idle = fleet.unavailable(fleet.nodes).length === 0;
      const { decision } = fleet.step();
      if (idle && decision.start.length === 0) break;
      for (const n of fleet.nodes)
        if (decision.start.includes(n.name))
          wrong.push(...n.profiles.filter((p) => held.has(p)).map((p) => `${n.name} started in ${p}`));
      fleet.agentsWork((n) => n.wanted === 'r1' && n.name.endsWith('3'));
      for (const n of fleet.nodes) if (n.state === 'failed') for (const p of n.profiles) held.add(p);
    }
    const left = fleet.nodes.filter((n) => n.current !== n.wanted && !n.profiles.some((p) => held.has(p)));
    expect({ wrong, left }).toEqual({ wrong: [], left: [] });
    for (const n of fleet.nodes) n.wanted = 'r2';
    for (let step = 0; step < LONG && !fleet.finished; step++) {
      fleet.step();
      fleet.agentsWork();
    }
    expect(fleet.finished).toBe(true);
  });

  test('gets the same answer whatever the order of its nodes', () => {
    const fleet = new Fleet(seed);
    for (let step = 0; step < 5; step++) {
      const { decision } = fleet.step();
      const reversed = new Fleet(seed);
      for (let again = 0; again < step; again++) {
        reversed.step();
        reversed.agentsWork();
      }
      reversed.nodes.reverse();
      expect(reversed.step().decision.start).toEqual(decision.start);
      fleet.agentsWork();
    }
  });
});
