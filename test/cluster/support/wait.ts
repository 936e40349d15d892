import { setTimeout as sleep } from 'node:timers/promises';

const WAIT_MS = 60_000;

/** Resolves when the check says so; throws after a minute, with what `explain` knows. */
export async function until(
  what: string,
  check: () => Promise<boolean>,
  explain: () => string = () => '',
): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`not within a minute: ${what}\n${explain()}`);
    await sleep(50);
  }
}
