/**
 * How long it takes until 50 and 500 sysctls have another value: by the agent's own code (what is live read before, the ledger on disk,
 * each value written and read back), by procps' `sysctl -p` and by systemd-sysctl of the same file. In namespaces that are thrown away.
 *   npm run bench:apply -- [--rounds 40] [--json FILE]      as root
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { AGENT_NODE_FLAGS } from '../operator/manager/daemon-set.ts';
import { Namespaces } from './support/namespaces.ts';
import { benchOptions, percentile, report, spread, type Row } from './support/report.ts';

const SIZES = [50, 500];
/** Whole machines wait for a disk now and then: the first rounds of all are not counted. */
const WARM_UP = 3;
const ROUNDS_PROGRAM = fileURLToPath(new URL('support/apply-rounds.ts', import.meta.url));
const options = benchOptions({ rounds: '40' });
const rounds = Number(options.rounds);

async function measure(keys: number): Promise<Record<string, number[]>> {
  const namespaces = await Namespaces.make(keys);
  try {
    const bundle = join(namespaces.folder, 'rounds.cjs');
    buildSync({
      entryPoints: [ROUNDS_PROGRAM],
      outfile: bundle,
      bundle: true,
      minify: true,
      platform: 'node',
    });
    const node = [process.execPath, ...AGENT_NODE_FLAGS, bundle];
    const [program, ...args] = [...namespaces.through, ...node] as const;
    const child = spawn(program, [...args, namespaces.folder, String(rounds + WARM_UP)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(namespaces.names.join('\n'));
    return JSON.parse(await text(child.stdout)) as Record<string, number[]>;
  } finally {
    await namespaces.close();
  }
}

const rows: Row[] = [];
for (const keys of SIZES) {
  const times = Object.entries(await measure(keys)).map(([what, all]) => [what, all.slice(WARM_UP)] as const);
  const ours = percentile(times.find(([what]) => what === 'agent')?.[1] ?? [], 50);
  for (const [what, ms] of times)
    rows.push({ what, keys, ...spread(ms), 'times the agent': percentile(ms, 50) / ours });
}
report('apply', rows, options.json);
