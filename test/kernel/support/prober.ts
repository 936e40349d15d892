/** Reads and writes sysctls of the namespaces that it runs in, past the agent: one JSON array of commands per line. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { getSystemErrorMap } from 'node:util';
import { procPath } from '../../../operator/sysctl/names.ts';

export type Probe =
  /** The value without the line's end, or the error's name. */
  | ['get', name: string]
  /** "OK", or the error's name. Exactly these bytes: without a newline unless there is one. */
  | ['put', name: string, bytes: string]
  /** What a shell prints, with its errors. */
  | ['sh', script: string]
  /** Names of all files below a folder of /proc/sys, each with "w" where its mode lets root write. */
  | ['list', folder: string];

const names = new Map([...getSystemErrorMap().values()].map(([name]) => [name, name]));
const errorName = (error: unknown): string => {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (!names.has(code)) throw error;
  return code;
};
const file = (name: string): string => join('/proc/sys', procPath(name));

function put(name: string, bytes: string): string {
  const fd = openSync(file(name), constants.O_WRONLY | constants.O_TRUNC);
  try {
    writeSync(fd, bytes);
    return 'OK';
  } finally {
    closeSync(fd);
  }
}

function list(folder: string): string {
  const script = `cd /proc/sys && find ${folder} -type f -printf '%M %p\\n'`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8', maxBuffer: 1 << 24 });
}

function answer(probe: Probe): string {
  try {
    switch (probe[0]) {
      case 'get':
        return readFileSync(file(probe[1]), 'utf8').replace(/\n$/, '');
      case 'put':
        return put(probe[1], probe[2]);
      case 'sh':
        return execFileSync('sh', ['-c', `exec 2>&1; ${probe[1]}`], { encoding: 'utf8' }).trimEnd();
      default:
        return list(probe[1]);
    }
  } catch (error) {
    return errorName(error);
  }
}

process.stdout.write('[]\n');
for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify((JSON.parse(line) as Probe[]).map(answer))}\n`);
