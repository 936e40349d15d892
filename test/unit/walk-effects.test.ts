import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HARMLESS, WATCHED } from '../walk/modules.ts';
import { stepName, stepsOf } from '../walk/steps.ts';

const PRELOAD = fileURLToPath(new URL('../walk/preload.ts', import.meta.url));
const OPERATOR = fileURLToPath(new URL('../../operator/', import.meta.url));

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-effects-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program whose effects are watched; gives them, and how it ended. */
function live(program: string, end = ''): { steps: string[]; signal: NodeJS.Signals | null } {
  const log = join(folder, 'steps');
  const { signal, stderr } = spawnSync(
    process.execPath,
    ['--import', PRELOAD, '--input-type=module', '-e', program],
    { cwd: folder, env: { WALK_LOG: log, WALK_KILL: end }, encoding: 'utf8' },
  );
  if (stderr) throw new Error(stderr);
  return { steps: stepsOf(readFileSync(log, 'utf8')).map(stepName), signal };
}

const files = `
  import { writeFileSync, mkdirSync, openSync, writeSync, closeSync, renameSync, rmSync, chmodSync, readFileSync } from 'node:fs';
  import { writeFile } from 'node:fs/promises';
  mkdirSync('sub', { recursive: true });
  mkdirSync('sub', { recursive: true });
  const fd = openSync('sub/a.tmp', 'w');
  writeSync(fd, 'text');
  closeSync(fd);
  chmodSync('sub/a.tmp', 0o600);
  renameSync('sub/a.tmp', 'sub/a');
  readFileSync('sub/a');
  writeFileSync('sub/a', 'more');
  await writeFile('sub/b', 'text');
  rmSync('sub/a');
  rmSync('sub/a', { force: true });`;

describe('the effects of a program', () => {
  test('on files are told in order, each once, what only looks or changes nothing not at all', () => {
    expect(live(files).steps).toEqual([
      'make the folder sub #1',
      'create a.tmp #1',
      'write a.tmp #1',
      'chmod a.tmp #1',
      'rename a.tmp #1',
      'writeFile a #1',
      'writeFile b #1',
      'remove a #1',
    ]);
  });

  test('on other processes are told before and while these run', () => {
    const { steps } = live(`
      import { execFile, spawnSync } from 'node:child_process';
      import { promisify } from 'node:util';
      await promisify(execFile)('true', ['x']);
      await promisify(execFile)('echo', ['--', 'systemctl', 'show', 'a.service']);
      spawnSync('true');`);
    expect(steps).toEqual([
      'run true x #1',
      'run true x, under way #1',
      'run true #1',
      'run true, under way #1',
    ]);
  });

  test.each([
    [
      'node:http',
      `await new Promise((resolve) => client.request({ port, method: 'PUT', path: '/x' }, (r) => r.resume().on('end', resolve)).end());`,
    ],
    [
      'node:http2',
      `const session = client.connect('http://127.0.0.1:' + port);
      await new Promise((resolve) => session.request({ ':method': 'PUT', ':path': '/x' }).resume().on('close', resolve).end());`,
    ],
  ])('on a server by %s are told before they are sent and when they are answered', (module, send) => {
    const { steps } = live(`
      import * as client from '${module}';
      const server = client.createServer((_, response) => response.end('{}'));
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address();
      ${send}
      process.exit();`);
    expect(steps).toEqual(['listen #1', 'PUT /x #1', 'PUT /x, answered #1']);
  });

  test('end before the one at which it is killed', () => {
    const { signal, steps } = live(files, 'rename a.tmp #1');
    expect(signal).toBe('SIGKILL');
    expect(steps.at(-1)).toBe('rename a.tmp #1');
    expect([existsSync(join(folder, 'sub/a.tmp')), existsSync(join(folder, 'sub/a'))]).toEqual([true, false]);
  });
});

test('the operator uses no module of Node by which an effect could pass unseen', () => {
  const used = globSync('{agent,api,kube,manager,plan,rollout,sysctl,telemetry}/**/*.ts', { cwd: OPERATOR })
    .concat('errors.ts', 'main.ts')
    .flatMap((file) => [
      ...readFileSync(join(OPERATOR, file), 'utf8').matchAll(/(?:from|import\() ?'(node:[^']+)'/g),
    ])
    .map(([, module]) => module);
  expect(used.length).toBeGreaterThan(20);
  expect([...new Set(used)].filter((module) => ![...WATCHED, ...HARMLESS].includes(module ?? ''))).toEqual(
    [],
  );
});
