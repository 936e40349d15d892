import { setTimeout as sleep } from 'node:timers/promises';

/** Time, in ms. */
export interface Clock {
  /** Never goes back: for durations. */
  monotonic(): number;
  /** Since 1970: for what is written down. */
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  now: () => Date.now(),
  sleep,
};
