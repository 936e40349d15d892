import { OperatorError } from '../errors.ts';
import { atMostSince, systemClock, type Instant } from '../kube/clock.ts';
import type { Fence } from '../kube/fence.ts';
import type { NodeNotes } from './leader-notes.ts';

/** A job is a few requests; a worker that stalls is replaced within seconds. */
export const LOCK_MS = 10_000;
/** A job may begin a write this long after Redis was asked for it. Short of the lock by what a write may take to arrive. */
export const JOB_WRITES_MS = 6_000;

/** How new the copies of some collections were: of each, a resourceVersion. */
export type View = Readonly<Record<string, string>>;

export interface RunningJob {
  /** What the leader has written down for it. Asks Redis. */
  notes: () => Promise<NodeNotes>;
  /** Throws Fenced once another worker may have the job. */
  fence: Fence;
  /** Aborts when the replica ends. */
  signal: AbortSignal;
}

/** The work of one queue: a key says what to look at; what is wanted is read when the job runs. */
export type Handler = (key: string, job: RunningJob) => Promise<void>;

/** Thrown by a handler that cannot do the job yet: it is done `ms` later, which is not a failure. */
export class Postponed extends Error {
  readonly ms: number;

  constructor(ms: number) {
    super(`not yet: again in ${ms} ms`);
    this.name = 'Postponed';
    this.ms = ms;
  }
}

/** Throws once the job that was asked for at `taken` may be another worker's, even where this process was stopped meanwhile. */
export const jobFence =
  (key: string, taken: Instant): Fence =>
  () => {
    if (atMostSince(taken, systemClock()) < JOB_WRITES_MS) return;
    throw new OperatorError('Fenced', `the job ${key} took too long: another worker may have it`);
  };
