import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

interface Metafile {
  inputs: Record<string, { bytes: number }>;
}

const project = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-bundle-'));
let inputs: Metafile['inputs'];

beforeAll(() => {
  const metafile = join(folder, 'meta.json');
  const settings = ['--bundle', '--platform=node', '--target=node24', '--format=cjs', '--minify'];
  const output = [`--outfile=${join(folder, 'agent.cjs')}`, `--metafile=${metafile}`, '--log-level=error'];
  const esbuild = join(project, 'node_modules/.bin/esbuild');
  execFileSync(esbuild, ['operator/agent/main.ts', ...settings, ...output], { cwd: project });
  ({ inputs } = JSON.parse(readFileSync(metafile, 'utf8')) as Metafile);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("the agent's bundle carries the few facts that it needs of the catalog, and not the catalog", () => {
  const carried = Object.keys(inputs).filter((path) => path.includes('sysctl/catalog'));
  expect(carried.toSorted()).toEqual([
    'operator/sysctl/catalog/essentials.json',
    'operator/sysctl/catalog/lookup.ts',
    'operator/sysctl/catalog/names.json',
  ]);
  expect(inputs['operator/sysctl/catalog/essentials.json']?.bytes).toBeLessThan(10_000);
  expect(inputs['operator/sysctl/catalog/names.json']?.bytes).toBeLessThan(20_000);
});
