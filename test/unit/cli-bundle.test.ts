import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { commandLine } from '../../scripts/packed.ts';

const BUILD_MS = 60_000;

describe('the one file that kubectl runs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cli-bundle-'));
  const plugin = join(folder, 'kubectl-sysctl');
  const home = join(folder, 'home');
  const cache = join(home, '.cache', 'kubectl-sysctl');

  beforeAll(async () => {
    const text = await commandLine({
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'cjs',
      minify: true,
      logLevel: 'warning',
    });
    writeFileSync(plugin, text, { mode: 0o755 });
    mkdirSync(home);
  }, BUILD_MS);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (args: string[], HOME = home, file = plugin) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], {
      encoding: 'utf8',
      env: { ...process.env, HOME },
    });
    return { status, stdout, stderr };
  };
  const explain = (...more: Parameters<typeof run> extends [unknown, ...infer Rest] ? Rest : never) =>
    run(['explain', 'vm.swappiness', '-o', 'json'], ...more);
  const expected = expect.objectContaining({
    status: 0,
    stdout: expect.stringMatching(/^\{"name":"vm\.swappiness"/),
  });

  test('answers, and keeps what was compiled for the next time', () => {
    expect(explain()).toEqual(expected);
    const kept = readdirSync(cache);
    expect(kept).toEqual([expect.stringMatching(/-explain$/)]);
    expect(explain()).toEqual(expected);
    expect(readdirSync(cache)).toEqual(kept);
  });

  test('a kept file that is damaged does no harm, and is replaced', () => {
    const [name = ''] = readdirSync(cache);
    writeFileSync(join(cache, name), 'not this');
    expect(explain()).toEqual(expected);
    expect(readFileSync(join(cache, name)).length).toBeGreaterThan(10_000);
  });

  test('what other builds kept goes when something new is kept', () => {
    writeFileSync(join(cache, '0123456789abcdef-v1.0.0-explain'), 'old');
    expect(run(['lint', '--help']).status).toBe(0);
    expect(readdirSync(cache).filter((name) => name.startsWith('0123456789abcdef'))).toEqual([]);
  });

  test('runs without a home, and by another name', () => {
    expect(explain('/nowhere')).toEqual(expected);
    const other = join(folder, 'by-another-name');
    symlinkSync(plugin, other);
    expect(explain(home, other)).toEqual(expected);
  });

  test('has the libraries that talk to a cluster, and says which cluster does not answer', () => {
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(
      kubeconfig,
      'apiVersion: v1\nkind: Config\nclusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\nusers: [{name: a, user: {token: x}}]\ncurrent-context: a\n',
    );
    const { status, stderr } = run(['plan', 'search', '--kubeconfig', kubeconfig]);
    expect(status).toBe(1);
    expect(stderr).toContain('ECONNREFUSED');
  });

  test('passes the exit status and standard input on', () => {
    const { status, stdout } = spawnSync(process.execPath, [plugin, 'lint', '-'], {
      encoding: 'utf8',
      input: 'vm.swappiness = 500\n',
      env: { ...process.env, HOME: home },
    });
    expect({ status, stdout }).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('-:1:17: error:'),
    });
  });

  test('ends quietly when nobody reads on', () => {
    const { status, stdout, stderr } = spawnSync(
      'sh',
      ['-c', `"$0" "$1" explain --all -o json | head -c 1`, process.execPath, plugin],
      { encoding: 'utf8', env: { ...process.env, HOME: home } },
    );
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '[', stderr: '' });
  });
});
