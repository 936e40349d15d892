import { afterEach, beforeAll, beforeEach, it } from '@jest/globals';
import { clean, diagnose, kubectl, NAMESPACE } from './cluster.ts';

/** Instead of ten, for tests that wait for it. */
async function readAgainEveryTwoSeconds(): Promise<void> {
  const manager = ['-n', NAMESPACE, 'deployment/sysctl-operator'];
  await kubectl('set', 'env', ...manager, 'AGENT_DRIFT_INTERVAL_SECONDS=2');
  await kubectl('rollout', 'status', ...manager, '--timeout=60s');
}

/** Every test of a file starts on clean nodes and leaves them clean, also when it fails. */
export function onCleanNodes(): void {
  beforeAll(readAgainEveryTwoSeconds);
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
