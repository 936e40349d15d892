import { setTimeout as sleep } from 'node:timers/promises';
import { Life } from './life.ts';
import { stepName, type Step } from './steps.ts';

const POLL_MS = 20;
/** Effects that nobody waits for, such as an Event, follow within this time. */
const QUIET_MS = 400;
const REACH_MS = 10_000;

/** Resolves when the program has had no effect for a while. */
export async function untilQuiet(life: Life): Promise<void> {
  for (let before = -1; before !== life.steps.length;) {
    before = life.steps.length;
    await sleep(QUIET_MS);
  }
}

/** Resolves when the program was killed at its step; throws where it goes on without ever coming to it. */
export async function untilKilled(life: Life, end: Step): Promise<void> {
  const deadline = performance.now() + REACH_MS;
  while (life.ended === undefined) {
    if (performance.now() > deadline)
      throw new Error(
        `it never came to "${stepName(end)}"\n${life.steps.map(stepName).join('\n')}\n${life.log}`,
      );
    await sleep(POLL_MS);
  }
  if (life.ended !== 'SIGKILL') throw new Error(`it ended with ${life.ended}\n${life.log}`);
}
