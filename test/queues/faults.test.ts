import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('support/whatever-happens.ts', import.meta.url));
/** Fixed: in 1 and 3 a command is sent while the connection breaks and is not yet said to be broken. */
const SEEDS = ['1', '3'];
const ROUNDS = '3';

test.each(SEEDS)(
  'whatever happened to Redis and to the connections, work that is added afterwards is done (seed %s)',
  (seed) => {
    const { stdout, status } = spawnSync(process.execPath, [PROGRAM, seed, ROUNDS], { encoding: 'utf8' });
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
  },
  240_000,
);
