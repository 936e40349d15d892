/** `npm run faults`: kills and network faults on the cluster of CLUSTER while profiles change; see docs/faults.md. */
import { parseArgs } from 'node:util';
import { clusterEnvironment, existing } from '../../cluster/tool/cluster.ts';
import { Chaos } from './chaos.ts';

const HELP = `usage: npm run faults -- [--seed N] [--kills N] [--network N]

Kills processes and disturbs the network of the operator on a development cluster (CLUSTER) while its profiles change, and
compares what nodes have with what the profiles say. The same seed makes the same faults in the same order.

  --seed N      default: a random one, which is printed
  --kills N     default: 300
  --network N   default: 100
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    kills: { type: 'string', default: '300' },
    network: { type: 'string', default: '100' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.help) say(HELP);
else {
  const layout = existing();
  Object.assign(process.env, clusterEnvironment(layout), { PATH: `${layout.bin}:${process.env['PATH']}` });
  const [seed, kills, network] = [values.seed, values.kills, values.network].map(Number) as [
    number,
    number,
    number,
  ];
  try {
    say(JSON.stringify(await Chaos.run({ seed, kills, network, say }), null, 2));
  } catch (error) {
    say(String(error));
    process.exitCode = 1;
  }
  // Connections that went silent may keep a process.
  process.exit();
}
