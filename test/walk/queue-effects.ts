import { Job, Queue } from 'bullmq';
import type { Effect } from './wrap.ts';

/** What BullMQ is asked to write. Each of its calls is one script in Redis: it is done or it is not. */
const WRITES =
  /^(?:add|change|clean|clear|discard|drain|move|obliterate|pause|promote|remove|resume|retry|trim|update|upsert)/;

interface Named {
  /** A queue's own; a job's queue. */
  name?: string;
  queueName?: string;
}

/** Work that is queued and the end of a job: before it is told to Redis. */
export function watchQueues(effect: Effect): void {
  for (const [kind, { prototype }] of Object.entries({ queue: Queue, job: Job })) {
    const methods = prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const original = Object.getOwnPropertyDescriptor(prototype, name)?.value as unknown;
      if (!WRITES.test(name) || typeof original !== 'function') continue;
      methods[name] = function watched(this: Named, ...args: unknown[]): unknown {
        effect(`${kind} ${(kind === 'job' ? this.queueName : this.name) ?? ''}: ${name}`);
        return (original as (...all: unknown[]) => unknown).apply(this, args);
      };
    }
  }
}
