/**
 * How fast the command line answers, beside `node -e 0` in the same run: every round runs each command once, so that whatever else the
 * machine does falls on all of them. Exit status 1 when explain or lint takes more than twice as long.
 *   npm run build && node bench/cli.ts [ROUNDS]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const GOAL = 2;
const PLUGIN = 'dist/kubectl-sysctl.cjs';
const rounds = Number(process.argv[2] ?? 40);

if (!existsSync(PLUGIN)) {
  process.stderr.write(`${PLUGIN} is missing: npm run build\n`);
  process.exit(2);
}

interface Candidate {
  name: string;
  args: string[];
  /** Is held to the goal. */
  judged: boolean;
  /** With nothing kept from an earlier start. */
  first?: boolean;
}

const folder = mkdtempSync(join(tmpdir(), 'bench-cli-'));
const conf = join(folder, '90-node.conf');
writeFileSync(conf, 'vm.max_map_count = 262144\nvm.swappiness = 10\nnet.core.somaxconn = 4096\n');

const plugin = (name: string, args: string[], judged = true): Candidate => ({
  name,
  args: [PLUGIN, ...args],
  judged,
});
const candidates: Candidate[] = [
  { name: 'node -e 0', args: ['-e', '0'], judged: false },
  plugin('explain KEY', ['explain', 'net.core.somaxconn']),
  plugin('explain KEY -o json', ['explain', 'net.core.somaxconn', '-o', 'json']),
  plugin('explain --all -o json', ['explain', '--all', '-o', 'json']),
  plugin('lint PROFILE', ['lint', 'manifests/samples/redis.yaml']),
  plugin('lint PROFILE (13 keys)', ['lint', 'manifests/samples/ingress.yaml']),
  plugin('lint SYSCTL.CONF', ['lint', conf]),
  { ...plugin('explain KEY, first time', ['explain', 'net.core.somaxconn'], false), first: true },
  { ...plugin('lint PROFILE, first time', ['lint', 'manifests/samples/redis.yaml'], false), first: true },
  plugin('--help', ['--help'], false),
  plugin('render --to docker', ['render', 'manifests/samples/redis.yaml', '--to', 'docker'], false),
];

/** Not the user's own, which has what earlier starts have left. */
const home = mkdtempSync(join(folder, 'home-'));

/** Milliseconds from start to exit. */
function time({ name, args, first }: Candidate): number {
  const env = { ...process.env, HOME: first ? mkdtempSync(join(folder, 'first-')) : home };
  const start = process.hrtime.bigint();
  const { status, signal, stderr } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  const took = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) throw new Error(`${name}: ${signal ?? status}: ${stderr.toString()}`);
  return took;
}

const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
const at = (numbers: readonly number[], share: number): number =>
  sorted(numbers)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))] ?? 0;

const times = new Map<string, number[]>(candidates.map(({ name }) => [name, []]));
try {
  for (const candidate of candidates) time(candidate);
  for (let round = 0; round < rounds; round++)
    for (const candidate of candidates) times.get(candidate.name)?.push(time(candidate));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Of each round by itself: a slow moment of the machine is slow for both. */
function ratio(name: string): number {
  const base = times.get('node -e 0') ?? [];
  const own = times.get(name) ?? [];
  return at(
    own.map((took, round) => took / (base[round] ?? took)),
    0.5,
  );
}

const row = (cells: readonly string[]): string =>
  cells.map((cell, index) => (index === 0 ? cell.padEnd(26) : cell.padStart(9))).join('');
const lines = candidates.map(({ name, judged }) => {
  const own = times.get(name) ?? [];
  const verdict = judged ? (ratio(name) <= GOAL ? '' : '  too slow') : '';
  return `${row([name, at(own, 0.5).toFixed(1), at(own, 0.9).toFixed(1), Math.min(...own).toFixed(1), ratio(name).toFixed(2)])}${verdict}`;
});
process.stdout.write(
  `Node ${process.version}, ${rounds} rounds, milliseconds from start to exit; goal: at most ${GOAL} times node -e 0\n` +
    `${row(['', 'median', 'p90', 'least', 'ratio'])}\n${lines.join('\n')}\n`,
);
process.exitCode = candidates.some(({ name, judged }) => judged && ratio(name) > GOAL) ? 1 : 0;
