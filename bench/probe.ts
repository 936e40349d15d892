/**
 * The agent's look at its kernel, bundled as in the image, side by side with an empty Node.js program; and what it leaves in the memory
 * of an agent, which has https and child_process already.
 *   node --expose-gc bench/probe.ts      as root
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { Agent } from 'node:https';
import { createRequire } from 'node:module';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type * as Probe from '../operator/agent/probe/probe.ts';

const ROUNDS = 20;
/** Of all of it. */
const GOAL_MS = 150;

const median = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
const round = (ms: number): number => Math.round(ms * 10) / 10;

function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

const folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-bench-'));
const outfile = join(folder, 'probe.cjs');
buildSync({
  entryPoints: ['operator/agent/probe/probe.ts'],
  bundle: true,
  platform: 'node',
  format: 'cjs',
  minify: true,
  outfile,
});
spawnSync('true');
createHash('sha256').update(String(new Agent().maxSockets));

const before = heapUsed();
const starting = performance.now();
const { probeKernel } = createRequire(import.meta.url)(outfile) as typeof Probe;
const { kernel, problems } = await probeKernel();
const first = performance.now() - starting;
if (problems) throw new Error(problems);
const kept = heapUsed() - before;
const { size } = statSync(outfile);
rmSync(folder, { recursive: true });

const probe: number[] = [];
const empty: number[] = [];
let cpuMs = 0;
for (let i = 0; i < ROUNDS; i++) {
  const emptyStarted = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  empty.push(performance.now() - emptyStarted);
  const cpu = process.cpuUsage();
  const started = performance.now();
  // oxlint-disable-next-line no-await-in-loop -- one after the other, in turn with the other program
  await probeKernel();
  probe.push(performance.now() - started);
  const { user, system } = process.cpuUsage(cpu);
  cpuMs += (user + system) / 1000 / ROUNDS;
}

const names = Object.values(kernel.differences ?? {}).reduce((sum, list) => sum + list.length, 0);
process.stdout.write(
  [
    `kernel ${release()}, medians of ${ROUNDS} rounds in turn`,
    `node -e 0                 ${round(median(empty))} ms`,
    `probe                     ${round(median(probe))} ms (slowest ${round(Math.max(...probe))}, goal ${GOAL_MS})`,
    `probe, first time         ${round(first)} ms with loading it`,
    `agent's own CPU of it     ${round(cpuMs)} ms`,
    `in the agent's bundle     ${Math.round(size / 1024)} KiB`,
    `left in the agent's heap  ${Math.round(kept / 1024)} KiB`,
    `in the node's status      ${JSON.stringify(kernel).length} bytes: ${names} differences, ${kernel.more ?? 0} more`,
    '',
  ].join('\n'),
);
process.exitCode = median(probe) <= GOAL_MS ? 0 : 1;
