import { setTimeout as sleep } from 'node:timers/promises';

/** Polls until the check holds; fails with what it waited for. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  ms = 15_000,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited ${ms / 1000} s in vain: ${what}`);
    await sleep(10);
  }
}
