/** `npm run demo`: the operator's main job on a real cluster of two nodes on this machine, as it happens. --keep leaves the cluster running. */
import { parseArgs } from 'node:util';
import { cluster, clusterCommand, kubectl, onNode } from './cluster.ts';
import { screen } from './screen.ts';
import { follow, until } from './story.ts';

const SAMPLE = 'manifests/samples/elasticsearch.yaml';
const PROFILE = 'elasticsearch';
const NODE_KEYS = [
  'vm.max_map_count',
  'vm.swappiness',
  'fs.inotify.max_user_instances',
  'fs.inotify.max_user_watches',
];
const POD_KEY = 'net.ipv4.tcp_retries2';
const STEPS = 7;

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });

const show = async (...args: string[]): Promise<void> => {
  screen.command(`kubectl ${args.join(' ')}`);
  screen.output(await kubectl(...args));
};

const clusterStep = async (...args: string[]): Promise<void> => {
  screen.command(`npm run cluster -- ${args.join(' ')}`);
  await clusterCommand(args, (line) => screen.output(line));
};

const valuesOn = (node: string): Promise<string[]> =>
  Promise.all(NODE_KEYS.map((key) => onNode(node, 'sysctl', '-n', key)));

async function cast(): Promise<void> {
  screen.step(1, STEPS, 'A Kubernetes cluster with two real nodes: systemd, containerd, kubelet, kernel');
  await clusterStep('up', '--nodes', '2');
  await show('get', 'nodes');
  screen.step(2, STEPS, 'Install: CRDs, RBAC, policies, manager');
  await clusterStep('install');
}

async function forbidden(): Promise<void> {
  screen.step(3, STEPS, `A pod wants ${POD_KEY} for itself, which a kubelet forbids`);
  await show('label', 'node', 'node-1', 'workload=search');
  await show('apply', '-f', 'scripts/demo/pod.yaml');
  await follow('pods', (facts) => facts.get('pod search')?.what.includes('SysctlForbidden') ?? false);
  screen.bad(
    'refused for good: pods like this one are what a Deployment makes by the dozen in a few seconds',
  );
  await kubectl('delete', 'pod', 'search', '--grace-period=0', '--force');
}

async function applied(before: readonly string[]): Promise<void> {
  screen.step(4, STEPS, `A profile for the nodes with workload=search (${SAMPLE})`);
  await show('apply', '-f', SAMPLE);
  await follow('sysctlprofiles,nodesysctlstates', (facts) => facts.get(`profile ${PROFILE}`)?.good ?? false);
  const now = await valuesOn('node-1');
  screen.note('Read inside node-1:');
  screen.table([
    ['sysctl', 'before', 'now'],
    ...NODE_KEYS.map((key, i) => [key, before[i] ?? '', now[i] ?? '']),
  ]);
  await show('get', 'nodes', '-L', `sysctl-operator.dev/agent,profile.sysctl-operator.dev/${PROFILE}`);
  await show('apply', '-f', 'scripts/demo/pod.yaml');
  await follow('pods', (facts) => facts.get('pod search')?.good ?? false);
  const inside = (await kubectl('exec', 'search', '--', 'sysctl', '-n', POD_KEY)).trim();
  screen.good(
    `the same pod runs; inside it ${POD_KEY} is ${inside}, on its node still ${await onNode('node-1', 'sysctl', '-n', POD_KEY)}`,
  );
}

async function healed(): Promise<void> {
  screen.step(5, STEPS, 'Somebody changes a value by hand');
  screen.command('npm run cluster -- exec node-1 sysctl -w vm.swappiness=90');
  screen.output(await onNode('node-1', 'sysctl', '-w', 'vm.swappiness=90'));
  const ms = await until(() => onNode('node-1', 'sysctl', '-n', 'vm.swappiness'), '1');
  screen.good(`found and put back to 1 after ${(ms / 1000).toFixed(1)} s (values are read again every 10 s)`);
  await show(
    'get',
    'events',
    '--field-selector',
    'reason=DriftCorrected',
    '-o',
    'custom-columns=EVENT:.message',
  );
}

async function restored(before: readonly string[]): Promise<void> {
  screen.step(6, STEPS, 'The profile is deleted: everything goes back');
  await show('delete', 'sysctlprofile', PROFILE);
  await follow(
    'nodesysctlstates',
    (facts) => facts.get('agent of node-1')?.what.includes('KubeletHeld') ?? false,
  );
  screen.note(
    'The values are back. The kubelet keeps the entry while the pod runs with it: without it, it would kill the pod.',
  );
  await show('delete', 'pod', 'search', '--grace-period=0', '--force');
  await follow('nodesysctlstates', (facts) => facts.size === 0);
  const now = await valuesOn('node-1');
  screen.table([
    ['sysctl', 'before', 'now'],
    ...NODE_KEYS.map((key, i) => [key, before[i] ?? '', now[i] ?? '']),
  ]);
  if (now.join(' ') !== before.join(' ')) throw new Error('not every value is back');
  screen.good('every value, the kubelet and the node’s labels are as before; no agent is left on the node');
}

function lookAround(): void {
  screen.step(7, STEPS, 'The cluster stays (--keep)');
  const here = process.env['CLUSTER'] === undefined ? `CLUSTER=${cluster} ` : '';
  screen.command(`eval "$(${here}npm run -s cluster -- env)"`);
  screen.command(`kubectl apply -f ${SAMPLE}`);
  screen.command('kubectl get sysctlprofiles,nodesysctlstates -o wide');
  screen.command('npm run cluster -- exec node-1 bash');
  screen.command('npm run cluster -- down');
}

async function end(): Promise<void> {
  if (values.keep) return lookAround();
  screen.step(7, STEPS, 'Clean up');
  await clusterStep('down');
}

async function main(): Promise<void> {
  const started = performance.now();
  screen.title('sysctl-operator: kernel parameters for nodes and pods');
  if (process.getuid?.() !== 0)
    throw new Error('the demo needs root: its nodes are namespaces, mounts and cgroups of this machine');
  try {
    await cast();
    const before = await valuesOn('node-1');
    await forbidden();
    await applied(before);
    await healed();
    await restored(before);
  } finally {
    await end();
  }
  screen.good(`done in ${((performance.now() - started) / 1000).toFixed(0)} s`);
}

// Ctrl-C ends the command that runs; what follows it fails, and the cluster is taken down.
process.on('SIGINT', () => {});
process.once('SIGTERM', () => void end().finally(() => process.exit(143)));
main().catch((error: unknown) => {
  screen.bad(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
