/** `npm run soak`: the operator at work for an hour, measured; see docs/faults.md. */
import { parseArgs } from 'node:util';
import { clusterEnvironment, existing } from '../../cluster/tool/cluster.ts';
import { table } from './soak-series.ts';
import { soak } from './soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const layout = existing();
Object.assign(process.env, clusterEnvironment(layout), { PATH: `${layout.bin}:${process.env['PATH']}` });
const { series, problems, changes, drifts } = await soak({
  seed: Number(values.seed),
  minutes: Number(values.minutes),
  say,
});
say(`${table(series)}\n${changes} changes, ${drifts} foreign writes`);
say(problems.length === 0 ? 'nothing grew, nothing was lost' : problems.join('\n'));
process.exitCode = problems.length === 0 ? 0 : 1;
