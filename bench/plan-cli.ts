/**
 * `kubectl sysctl plan` as a process against a control plane without nodes (npm run cluster -- up --nodes 0): Node objects of the size of
 * real ones, half of them with a state, made by hand; the time from start to exit, and the CPU time in it, which a busy machine changes
 * less. Of the plugin that was built, and of the sources as `npm run sysctl` starts them.
 *   npm run build && export CLUSTER=/tmp/bench-cluster && npm run cluster -- up --nodes 0 && node bench/plan-cli.ts [NODES...]
 * It fills the cluster with Nodes: one that has any other, or that CLUSTER does not name, is refused.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { paths, REVISION_LABEL } from '../operator/api/names.ts';
import type { ApiRequest } from '../operator/kube/api-server.ts';
import { contentTypes, isStatus } from '../operator/kube/api-server.ts';
import { ClientNodeApiServer } from '../operator/kube/client-node-api-server.ts';
import { Planner } from '../operator/plan/plan.ts';
import { existing } from '../test/cluster/tool/cluster.ts';
import { kubectl } from '../test/cluster/tool/install.ts';

const ROUNDS = 5;
/** Of /proc/PID/stat: a hundredth of a second on every machine with 100 ticks per second for users, which are all. */
const MS_PER_TICK = 10;
const NAMESPACE = 'sysctl-operator-system';
const POOL = { bench: 'plan-cli' };
const sizes = process.argv.slice(2).map(Number).filter(Boolean);

const layout = existing();
const config = new KubeConfig();
config.loadFromFile(layout.kubeconfig);
const api = new ClientNodeApiServer(config);

/** What is there already stays. */
const make = (path: string, body: object): Promise<unknown> =>
  api.request({ method: 'POST', path, body }).catch((error: unknown) => {
    if (!isStatus(error, 409)) throw error;
  });
const status = (path: string, value: object): Promise<unknown> => {
  const request: ApiRequest = { method: 'PATCH', path: `${path}/status`, body: { status: value } };
  return api.request({ ...request, contentType: contentTypes.mergePatch });
};

const spec = (value: number): object => ({
  nodeSelector: { matchLabels: POOL },
  sysctls: Array.from({ length: 20 }, (_, i) => ({
    name: `net.ipv4.conf.eth${i}.rp_filter`,
    value,
    scope: 'Node',
  })),
});
const profile = (value: number): object => ({
  apiVersion: 'sysctl-operator.dev/v1alpha1',
  kind: 'SysctlProfile',
  metadata: { name: 'bench-plan-cli' },
  spec: spec(value),
});

/** Most of a real Node is the list of its images: 50 of them, 10 KB. */
const images = Array.from({ length: 50 }, (_, i) => ({
  names: [`registry.example.com/platform/component-${i}@sha256:${'0123456789abcdef'.repeat(4)}`],
  sizeBytes: 1_000_000 + i,
}));

async function makeNode(name: string, revision: string | undefined): Promise<void> {
  await make(paths.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels: POOL } });
  await status(`${paths.nodes}/${name}`, { images });
  if (revision === undefined) return;
  const state = { apiVersion: 'sysctl-operator.dev/v1alpha1', kind: 'NodeSysctlState', metadata: { name } };
  await make(paths.states, { ...state, spec: { revision } });
  await status(`${paths.states}/${name}`, {
    observedRevision: revision,
    originals: Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`net.ipv4.conf.eth${i}.rp_filter`, '2']),
    ),
  });
}

async function makeRevision(): Promise<string> {
  const own = profile(0) as Parameters<Planner['plan']>[0][number];
  const [[name, data] = ['', undefined]] = new Planner().plan([own], [{ name: 'n', labels: POOL }]).revisions;
  await make('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  await make(paths.revisions(NAMESPACE), {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: { name, labels: { [REVISION_LABEL]: 'true' } },
    revision: 1,
    data,
  });
  return name;
}

async function fill(from: number, to: number, revision: string): Promise<void> {
  const width = 24;
  for (let i = from; i < to; i += width)
    await Promise.all(
      Array.from({ length: Math.min(width, to - i) }, (_, k) =>
        makeNode(`bench-${i + k}`, (i + k) % 2 === 0 ? revision : undefined),
      ),
    );
}

const PLUGIN = 'dist/kubectl-sysctl.cjs';
if (!existsSync(PLUGIN)) {
  process.stderr.write(`${PLUGIN} is missing: npm run build\n`);
  process.exit(2);
}
const programs: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['plugin', [PLUGIN]],
  ['sources', ['--disable-warning=ExperimentalWarning', 'operator/cli/main.ts']],
];
const folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-bench-'));
const file = join(folder, 'profile.json');
writeFileSync(file, JSON.stringify(profile(1)));

const middle = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;

/** Of what has ended of this process's children, in ms. */
const cpuOfChildren = (): number => {
  const [, , , user, system] =
    readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ').slice(10).map(Number) ?? [];
  return ((user ?? 0) + (system ?? 0)) * MS_PER_TICK;
};

function measure(args: readonly string[]): string {
  const times: number[] = [];
  const cpu: number[] = [];
  for (let i = 0; i <= ROUNDS; i++) {
    const started = performance.now();
    const before = cpuOfChildren();
    const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') };
    const { status: code, stderr } = spawnSync(process.execPath, [...args], { maxBuffer: 256 << 20, env });
    if (code !== 0 && code !== 2) throw new Error(String(stderr));
    if (i === 0) continue;
    times.push(performance.now() - started);
    cpu.push(cpuOfChildren() - before);
  }
  return `median ${middle(times).toFixed(0)} ms, worst ${Math.max(...times).toFixed(0)} ms, of it CPU ${middle(cpu).toFixed(0)} ms`;
}

/** Nodes of this bench are the only ones that it may meet. */
async function refuseOthers(): Promise<void> {
  if (!process.env['CLUSTER']) throw new Error('CLUSTER does not name the cluster to fill');
  const { items } = await api.request<{ items: { metadata: { name: string } }[] }>({
    method: 'GET',
    path: paths.nodes,
  });
  const other = items.find((node) => !node.metadata.name.startsWith('bench-'));
  if (other)
    throw new Error(`${layout.dir} has a node ${other.metadata.name}: this bench needs an empty one`);
}

try {
  await refuseOthers();
  await kubectl(layout, 'apply', '-k', 'crds', '--server-side');
  await kubectl(layout, 'wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all');
  const revision = await makeRevision();
  process.stdout.write(`node -e 0: ${measure(['-e', '0'])}\n`);
  let made = 0;
  for (const size of sizes.length > 0 ? sizes : [1000]) {
    await fill(made, size, revision);
    made = size;
    for (const [name, program] of programs) {
      const run = [...program, 'plan', '-f', file, '--kubeconfig', layout.kubeconfig];
      process.stdout.write(`plan, ${size} nodes, ${name}: ${measure(run)}\n`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
  api.close();
}
