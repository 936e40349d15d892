import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandsOf, pattern } from '../kernel/support/console-blocks.ts';
import { clean, kubectl } from './support/cluster.ts';

const PROJECT = join(import.meta.dirname, '..', '..');
const document = readFileSync(join(PROJECT, 'docs', 'namespaces.md'), 'utf8');
const commands = commandsOf(document, 'cluster');
/** Without a registry the nodes have this one. */
const LOCAL = '--image=local.test/busybox:1';

function run(command: string): string {
  const script = `exec 2>&1; ${command.replaceAll('--image=busybox', LOCAL)}`;
  return spawnSync('sh', ['-c', script], {
    cwd: PROJECT,
    encoding: 'utf8',
    timeout: 100_000,
  }).stdout.trimEnd();
}

const fresh = async (): Promise<void> => {
  await kubectl('delete', 'namespace/strict', 'deployment/again', '--ignore-not-found');
  await clean();
};
beforeAll(fresh);
afterAll(fresh);

describe('docs/namespaces.md prints what a cluster says, one command after the other', () => {
  test.each(commands.map((one) => [`${one.chapter}, line ${one.line}`, one] as const))('%s', (_, one) => {
    expect(run(one.command)).toMatch(pattern(one.output));
  });

  test('of the API server, of Pod Security, of the kubelet and of pods', () => {
    expect(commands.length).toBeGreaterThan(15);
    const said = commands.map(({ output }) => output).join('');
    for (const word of ['hostNetwork', 'violates PodSecurity', 'SysctlForbidden', 'namespaced', '2147483647'])
      expect(said).toContain(word);
  });
});
