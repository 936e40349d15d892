import { afterAll, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../cluster/tool/shell.ts';
import { clean } from './support/cluster.ts';

const PROJECT = join(import.meta.dirname, '..', '..');
const README = readFileSync(join(PROJECT, 'README.md'), 'utf8');
/** Run by CI itself and by the demo suite. */
const ELSEWHERE = new Set(['npm ci && npm run demo', 'npm ci && npm test']);
/** The manifests as they are, with the image that was built here instead of the published one. */
const LOCAL: Record<string, string> = {
  'kubectl apply -k manifests/': 'kubectl apply -k test/cluster/tool/overlay',
};

const blocks = [...README.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, lines = '']) =>
  lines.trim().split('\n'),
);
const commands = blocks.flat().filter((line) => !ELSEWHERE.has(line));

afterAll(clean);

it('the README has commands of every step', () => {
  expect(commands.length).toBeGreaterThan(5);
  expect(blocks.flat()).toEqual(expect.arrayContaining([...ELSEWHERE, ...Object.keys(LOCAL)]));
});

it('every command of the README does what it says, in its order', async () => {
  await clean();
  const printed: string[] = [];
  for (const command of commands)
    printed.push(await run('sh', ['-ec', LOCAL[command] ?? command], { cwd: PROJECT }));
  const all = printed.join('');
  expect(all).toContain('sysctlprofile.sysctl-operator.dev/elasticsearch condition met');
  expect(all).toMatch(/^node-1\s+Ready/m);
  expect(all).toMatch(/"?elasticsearch"? deleted/);
});
