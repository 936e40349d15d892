import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { procPath } from '../../../operator/sysctl/names.ts';

const file = (name: string): string => join('/proc/sys', procPath(name));
const read = (name: string): string => readFileSync(file(name), 'utf8').trimEnd();

/** Waits for the end of its input, then writes each value back that is not there: path, value, path, value... */
const RESTORE = `cat >/dev/null; while [ $# -gt 1 ]; do [ "$(cat "$1")" = "$2" ] || printf '%s\\n' "$2" > "$1"; shift 2; done`;

/**
 * Changes values of the machine itself while `body` runs. Another process puts the old ones back, in the order of `names`, also when
 * this one is killed; throws when they are not what they were.
 */
export async function borrowing<T>(
  names: readonly string[],
  body: (set: (name: string, value: string) => void) => Promise<T>,
): Promise<T> {
  const before = names.map((name) => [file(name), read(name)] as const);
  const restorer = spawn('sh', ['-c', RESTORE, 'restore', ...before.flat()], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const ended = once(restorer, 'exit');
  let result: T;
  try {
    result = await body((name, value) => {
      if (!names.includes(name)) throw new Error(`${name} was not borrowed`);
      writeFileSync(file(name), `${value}\n`);
    });
  } finally {
    restorer.stdin.end();
    await ended;
  }
  const lost = before.filter(([path, value]) => readFileSync(path, 'utf8').trimEnd() !== value);
  if (lost.length > 0)
    throw new Error(`not put back: ${lost.map(([path, value]) => `${path} was ${value}`).join(', ')}`);
  return result;
}
