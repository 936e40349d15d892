import { describe, expect, test } from '@jest/globals';
import { Chaos } from './support/chaos.ts';

const KILLS = 30;
const NETWORK = 13;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** 2: one manager with its own Redis. 7: two managers on a Redis behind a proxy. `npm run faults` takes a new seed each time. */
const SEEDS = [2, 7];

describe('kills and network faults while profiles change', () => {
  test.each(SEEDS)(
    'lose nothing, half-make nothing, do nothing twice and leave nothing behind (seed %i)',
    async (seed) => {
      const report = await Chaos.run({ seed, kills: KILLS, network: NETWORK, say });
      say(JSON.stringify(report));
      // There was something to lose.
      expect(report).toMatchObject({ kills: KILLS, network: NETWORK });
      expect(report.revisionsTold).toBeGreaterThanOrEqual(5);
    },
    600_000,
  );
});
