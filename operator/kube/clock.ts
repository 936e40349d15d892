/** A moment by two clocks, both in ms. */
export interface Instant {
  /** performance.now(): goes on while the process is stopped, never jumps; stands still while the machine is suspended. */
  monotonic: number;
  /** Date.now(): knows of a suspended machine, but jumps when it is set. */
  wall: number;
}

export type Clock = () => Instant;

export const systemClock: Clock = () => ({ monotonic: performance.now(), wall: Date.now() });

/**
 * The most that may have passed, in ms, by either clock: for somebody who must stop in time. A clock that was set forward makes
 * him stop early, which is harmless; a virtual machine that was paused cannot make him stop late.
 */
export const atMostSince = (from: Instant, to: Instant): number =>
  Math.max(to.monotonic - from.monotonic, to.wall - from.wall);
