import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ensureBinaries } from './binaries.ts';
import { controlPlaneUp } from './control-plane.ts';
import { archiveOf, IMAGE, operatorImage, toolImages } from './images.ts';
import { Layout } from './layout.ts';
import type { NodeOptions } from './node-files.ts';
import { loadImage, nodeDown, nodeUp, removeCgroups } from './node.ts';
import { ensurePackages } from './packages.ts';
import { kill, killAll, marked, pidOf } from './processes.ts';
import { run, say, succeeds } from './shell.ts';
import { restoreSysctls, saveSysctls } from './sysctls.ts';

const PROJECT = join(import.meta.dirname, '..', '..', '..');
const CONTROL_PLANE = ['kube-scheduler', 'kube-controller-manager', 'kube-apiserver', 'etcd'];

/** The layout of a cluster that is up; throws with what to do where there is none. */
export function existing(): Layout {
  const layout = Layout.find(false);
  if (layout) return layout;
  throw new Error('no cluster is up; start one with: npm run cluster -- up');
}

/** The environment that makes kubectl talk to the cluster. */
export const clusterEnvironment = (layout: Layout): Record<string, string> => ({
  KUBECONFIG: layout.kubeconfig,
  KUBEBUILDER_ASSETS: layout.bin,
  CLUSTER: layout.dir,
});

export function kubectl(layout: Layout, ...args: string[]): Promise<string> {
  return run(join(layout.bin, 'kubectl'), args, { env: { ...process.env, KUBECONFIG: layout.kubeconfig } });
}

/** Brings the control plane and the first `nodes` nodes up. What runs already stays as it is. */
export async function up(nodes: number): Promise<Layout> {
  if (process.getuid?.() !== 0)
    throw new Error('a cluster needs root: nodes are namespaces, mounts and cgroups of this machine');
  await ensurePackages();
  const layout = Layout.find(true);
  if (!layout) throw new Error('no slot');
  for (const folder of [layout.run, layout.log, layout.images]) mkdirSync(folder, { recursive: true });
  await ensureBinaries(layout);
  for (const archive of await toolImages()) copyFileSync(archive, join(layout.images, basename(archive)));
  saveSysctls();
  say('  control plane');
  await controlPlaneUp(layout);
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1\n');
  for (let i = 1; i <= nodes; i++) await nodeUp(layout, `node-${i}`);
  return layout;
}

/** Takes everything away: also what a crash half-way left behind. */
export async function down(): Promise<void> {
  const layout = Layout.find(false);
  if (!layout) return;
  for (const node of layout.nodes()) await nodeDown(layout, node);
  for (const name of CONTROL_PLANE) await kill(layout, name);
  await killAll(marked(layout));
  await removeCgroups(layout);
  await succeeds('ip', ['link', 'del', layout.bridge]);
  for (const name of ['etcd', 'nodes', 'run', 'bin', 'pki', 'admin.kubeconfig'])
    rmSync(join(layout.dir, name), { recursive: true, force: true });
  if (layout.release()) restoreSysctls();
}

/** Adds a node, or starts one that was taken down. */
export const addNode = (layout: Layout, node: string, options: NodeOptions = {}): Promise<void> =>
  nodeUp(layout, node, options);

/** Ends a node and deletes its Node object. */
export async function removeNode(layout: Layout, node: string): Promise<void> {
  await nodeDown(layout, node);
  await kubectl(layout, 'delete', 'node', node, '--ignore-not-found');
}

/** Imports an image into every node, and into nodes that join later. */
export async function load(layout: Layout, image: string): Promise<void> {
  const archive = await archiveOf(image);
  const kept = join(layout.images, basename(archive));
  if (archive !== kept) copyFileSync(archive, kept);
  for (const node of layout.nodes())
    if (pidOf(layout, node) !== undefined) await loadImage(layout, node, kept);
}

const digest = (file: string): string | undefined =>
  existsSync(file) ? readFileSync(file, 'utf8') : undefined;

/** Builds the image, loads it, applies the manifests as a user would, and waits until the manager is available. */
export async function install(layout: Layout): Promise<void> {
  const archive = await operatorImage();
  const stamp = digest(`${archive}.inputs`);
  const loaded = join(layout.run, 'image.inputs');
  const changed = digest(loaded) !== stamp;
  if (changed) await load(layout, archive);
  say('  kubectl apply -k');
  await kubectl(layout, 'apply', '-k', join(PROJECT, 'test/cluster/tool/overlay'));
  if (changed && digest(loaded) !== undefined)
    await kubectl(layout, '-n', 'sysctl-operator-system', 'rollout', 'restart', 'deployment/sysctl-operator');
  await kubectl(
    layout,
    '-n',
    'sysctl-operator-system',
    'rollout',
    'status',
    'deployment/sysctl-operator',
    '--timeout=120s',
  );
  writeFileSync(loaded, stamp ?? '');
  say(`  the operator runs (${IMAGE})`);
}
