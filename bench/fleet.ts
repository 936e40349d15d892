/**
 * The manager with thousands of nodes on a real API server: one process plays their agents over real watches and status writes.
 * How long until a new profile is Ready on all, after an edit, after a change of 1 %, after the manager was killed; what the manager
 * takes, and which requests it makes; beside the bare requests of the same edit without a manager.
 *   export KUBEBUILDER_ASSETS=... (npm run -s cluster -- env says where)
 *   npm run bench:fleet [-- --nodes 1000 --sysctls 20 --json FILE]
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installed } from '../test/cluster/support/installation.ts';
import { BareManager } from './support/fleet-bare.ts';
import { FleetManager } from './support/fleet-manager.ts';
import { FleetAgents } from './support/fleet-agents.ts';
import { Fleet } from './support/fleet.ts';
import { benchOptions, report, type Row } from './support/report.ts';

const NAMESPACE = 'sysctl-operator-system';
const options = benchOptions({ nodes: '1000', sysctls: '20', idle: '60' });
const [nodes, sysctls] = [Number(options.nodes), Number(options.sysctls)];

spawnSync(process.execPath, ['scripts/build.ts'], { stdio: 'inherit' });
const folder = await mkdtemp(join(tmpdir(), 'sysctl-operator-fleet-'));
const server = await installed();
const fleet = new Fleet(server, nodes, sysctls);
const { ca, cert, key } = await server.adminFiles();
const agents = new FleetAgents({ url: server.url, ca, cert, key, namespace: NAMESPACE, sysctls });
const manager = new FleetManager(server, folder);
const rows: Row[] = [];

/** No writes for a second: labels that nobody waits for are set after a profile is Ready. */
async function settled(): Promise<void> {
  for (let seen = -1; ; await sleep(1000)) {
    const { writes } = await manager.figures();
    if (writes + agents.writes === seen) return;
    seen = writes + agents.writes;
  }
}

/** Runs a step, and waits until nothing more comes of it; what it cost the manager in all stands beside how long the step took. */
async function step(what: string, work: () => Promise<void>): Promise<void> {
  const before = await manager.figures();
  const writes = agents.writes;
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const { rss } = await manager.figures();
  await settled();
  const after = await manager.figures();
  rows.push({
    what,
    seconds,
    'manager CPU, s': (after.cpu - before.cpu) / 1000,
    'manager RSS, MiB': Math.max(rss, after.rss),
    'writes per node': (after.writes - before.writes + agents.writes - writes) / nodes,
    requests: after.requestsSince(before),
  });
}

try {
  console.log(`making ${nodes} nodes`);
  await fleet.createNodes();
  await agents.watch(fleet.names, await fleet.resourceVersion());
  await manager.start();
  await step(`a new profile, until Ready on ${nodes}`, () => fleet.create('fleet', 1000));
  await step('an edit, until Ready', () => fleet.edit('fleet', 1001));
  await step('1 % get another profile, until Ready', () => fleet.create('canary', 2000, 'canary'));
  await step('the manager is killed; until it leads again', () => manager.restart());
  await step(`idle for ${options.idle} s`, () => sleep(Number(options.idle) * 1000));
  await step('an edit after that, until Ready', () => fleet.edit('fleet', 1002));
  await manager.stop();
  const bare = new BareManager(server, agents, fleet.names);
  const started = performance.now();
  await bare.edit();
  rows.push({
    what: 'the bare requests of an edit, without a manager',
    seconds: (performance.now() - started) / 1000,
    'writes per node': 2,
  });
  report('fleet', rows, options.json);
} finally {
  agents.close();
  await manager.stop();
  await server.close();
  await rm(folder, { recursive: true, force: true });
}
