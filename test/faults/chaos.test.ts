import { describe, expect, test } from '@jest/globals';
import { Chaos } from './support/chaos.ts';

const KILLS = 30;
const NETWORK = 13;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** One is always the same: two managers on a Redis behind a proxy. The other is a new one each time, and says how to have it again. */
const SEEDS = [7, Math.floor(Math.random() * 1_000_000)];

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
