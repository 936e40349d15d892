import { describe, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { procPath } from '../../../operator/sysctl/names.ts';
import { isRoot } from './namespaces.ts';

export const suite = isRoot ? describe : describe.skip;

const newerThan = (version: string): boolean => {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = version.split('.').map(Number);
  return major === wantedMajor ? minor >= wantedMinor : major > wantedMajor;
};
/** `need`: a sysctl, or "Linux 6.14" for that version and newer. */
export const machineHas = (need: string): boolean =>
  need.startsWith('Linux ') ? newerThan(need.slice(6)) : existsSync(join('/proc/sys', procPath(need)));

/** Skipped, counted as such, and said out loud with the reason. */
function skipped(name: string, reason: string, body: () => Promise<void>): void {
  process.stderr.write(`!!! SKIPPED: ${name}: ${reason}\n`);
  const { skip } = test;
  skip(`${name} (${reason})`, body);
}

/** A test that needs these of this machine. Where one is missing it is skipped for that reason. */
export function scenario(name: string, needs: readonly string[], body: () => Promise<void>): void {
  const missing = needs.filter((need) => !machineHas(need));
  const run = test;
  if (missing.length > 0) skipped(name, `this machine has no ${missing.join(', ')}`, body);
  else run(name, body);
}

/** What is true of the kernel and is not tried, because the machine could not be put back. */
export const notShown = (name: string, reason: string): void =>
  skipped(name, reason, () => Promise.resolve());
