import { afterEach, beforeEach, it } from '@jest/globals';
import { clean, diagnose } from './cluster.ts';

/** Every test of a file starts on clean nodes and leaves them clean, also when it fails. */
export function onCleanNodes(): void {
  beforeEach(clean);
  afterEach(clean);
}

/** A test on the cluster; one that fails tells what there was then. */
export function scenario(name: string, body: () => Promise<void>): void {
  it(name, async () => {
    try {
      await body();
    } catch (error) {
      process.stderr.write(`${name}:\n${await diagnose()}\n`);
      throw error;
    }
  });
}
