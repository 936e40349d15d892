import { expect, test } from '@jest/globals';
import { table } from './support/soak-series.ts';
import { soak } from './support/soak.ts';

const MINUTES = 5;

test(
  `nothing grows in ${MINUTES} minutes of drift every second and a change every ten`,
  async () => {
    const { series, problems, changes, drifts } = await soak({ seed: 1, minutes: MINUTES, say: () => {} });
    process.stderr.write(`${table(series)}\n${changes} changes, ${drifts} foreign writes\n`);
    expect(problems).toEqual([]);
    expect(changes).toBeGreaterThanOrEqual(MINUTES * 5);
    expect(drifts).toBeGreaterThanOrEqual(MINUTES * 40);
  },
  (MINUTES + 5) * 60_000,
);
