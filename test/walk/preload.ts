/**
 * `node --import preload.ts operator/main.ts ROLE`: the program as it is, whose effects are counted and which is killed before one of
 * them. WALK_LOG: a file that gets a line for each effect, before it. WALK_KILL: such a line.
 */
import fs from 'node:fs';
import { stepName, StepCounter } from './steps.ts';
import { watchEffects } from './wrap.ts';

const { WALK_LOG: log, WALK_KILL: end } = process.env;
const { openSync, writeSync } = fs;
const fd = openSync(log ?? '/dev/null', 'a');
const counter = new StepCounter();

const effect = (what: string): void => {
  const step = stepName(counter.next(what));
  writeSync(fd, `${step}\n`);
  if (step === end) process.kill(process.pid, 'SIGKILL');
};

watchEffects(effect);
// The agent has no queues, and is to load no library for them.
if (process.argv[2] === 'manager') (await import('./queue-effects.ts')).watchQueues(effect);
