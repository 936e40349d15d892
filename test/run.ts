/**
 * `npm test`: every suite one after the other, with what each needs set up by itself, and one closing line with the sums.
 *   npm test                    all suites
 *   npm test -- unit kernel     some of them
 *   npm test -- node --keep     leaves the test cluster running
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

interface Suite {
  name: string;
  about: string;
  root: boolean;
  /** Nodes of the real cluster that it runs on; undefined: none. */
  nodes?: number;
  install?: boolean;
  /** For one test, in ms, where it does not say so itself; two minutes without it. */
  timeoutMs?: number;
}

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

const suites: Suite[] = [
  { name: 'unit', about: 'pure logic', root: false },
  { name: 'kernel', about: "the agent's own code on real namespaces", root: true },
  { name: 'cluster', about: 'a real kube-apiserver, the operator under its own RBAC', root: true, nodes: 0 },
  { name: 'queues', about: 'a real Redis that is killed, emptied and stopped', root: true, nodes: 0 },
  { name: 'node', about: 'real kubelets and containerd', root: true, nodes: 2, install: true },
  {
    name: 'faults',
    about: 'the installed operator, killed and cut off; what its status says; what grows',
    root: true,
    nodes: 2,
    install: true,
    timeoutMs: 240_000,
  },
  { name: 'demo', about: "the README's demo, on a cluster of its own", root: true },
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean', default: false } },
});
const wanted = positionals.length === 0 ? suites : suites.filter((s) => positionals.includes(s.name));
const unknown = positionals.filter((name) => !suites.some((s) => s.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `unknown suite ${unknown.join(', ')}; there are ${suites.map((s) => s.name).join(', ')}\n`,
  );
  process.exit(2);
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
const env: NodeJS.ProcessEnv = {
  ...process.env,
  CLUSTER: process.env['CLUSTER'] ?? join(cache, 'sysctl-operator', 'test-cluster'),
};

const run = (args: string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: 'inherit', env });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });

const cluster = (...args: string[]): Promise<number> => run(['test/cluster/tool/main.ts', ...args]);

/** Takes KUBECONFIG, PATH and KUBEBUILDER_ASSETS over from `npm run cluster -- env`. */
function adoptClusterEnvironment(): void {
  const answer = spawnSync(process.execPath, ['test/cluster/tool/main.ts', 'env'], { env, encoding: 'utf8' });
  for (const [, name, value] of answer.stdout.matchAll(/^export (\w+)="?([^"\n]*)"?$/gm))
    if (name && value !== undefined) env[name] = value.replace('$PATH', process.env['PATH'] ?? '');
}

async function prepare(suite: Suite): Promise<void> {
  if (suite.nodes === undefined) return;
  if ((await cluster('up', '--nodes', String(suite.nodes))) !== 0)
    throw new Error('the test cluster did not come up');
  adoptClusterEnvironment();
  if (suite.install && (await cluster('install')) !== 0) throw new Error('the operator was not installed');
}

async function jest(suite: Suite): Promise<Totals> {
  const folder = await mkdtemp(join(tmpdir(), 'sysctl-operator-test-'));
  const report = join(folder, 'report.json');
  try {
    await run([
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      `--testPathPatterns=/test/${suite.name}/`,
      '--json',
      `--outputFile=${report}`,
      // Node 24 can wait for ever for connections that went silent when it frees itself at its end (Environment::CleanupHandles).
      '--forceExit',
      ...(suite.name === 'unit' ? [] : ['--runInBand', `--testTimeout=${suite.timeoutMs ?? 120_000}`]),
    ]);
    if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
    const result = JSON.parse(await readFile(report, 'utf8')) as Record<string, number>;
    const totals = {
      passed: result['numPassedTests'] ?? 0,
      failed: (result['numFailedTests'] ?? 0) + (result['numRuntimeErrorTestSuites'] ?? 0),
      skipped: (result['numPendingTests'] ?? 0) + (result['numTodoTests'] ?? 0),
    };
    return totals.passed + totals.failed > 0 ? totals : { ...totals, failed: 1 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function perform(suite: Suite): Promise<Totals> {
  say(`\n=== ${suite.name}: ${suite.about}`);
  if (suite.root && process.getuid?.() !== 0) {
    const ci = process.env['CI'] === 'true';
    say(
      `!!! SUITE ${suite.name.toUpperCase()} ${ci ? 'FAILED' : 'SKIPPED'}: it needs root (namespaces, mounts, containers)`,
    );
    return { passed: 0, failed: ci ? 1 : 0, skipped: ci ? 0 : 1 };
  }
  const started = Date.now();
  try {
    await prepare(suite);
    return await jest(suite);
  } catch (error) {
    say(
      `!!! SUITE ${suite.name.toUpperCase()} FAILED: ${error instanceof Error ? error.message : String(error)}`,
    );
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    say(`=== ${suite.name}: ${((Date.now() - started) / 1000).toFixed(0)} s`);
  }
}

const sum: Totals = { passed: 0, failed: 0, skipped: 0 };
let down: Promise<number> | undefined;
const needsCluster = wanted.some((s) => s.nodes !== undefined) && process.getuid?.() === 0;
const takeDown = (): Promise<number> =>
  (down ??= needsCluster && !values.keep ? cluster('down') : Promise.resolve(0));
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void takeDown().finally(() => process.exit(130)));

try {
  for (const suite of wanted) {
    const totals = await perform(suite);
    sum.passed += totals.passed;
    sum.failed += totals.failed;
    sum.skipped += totals.skipped;
  }
} finally {
  if ((await takeDown()) !== 0) sum.failed++;
}
say('');
say(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0;
