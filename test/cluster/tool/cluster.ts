import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBinaries } from './binaries.ts';
import { removeCgroups } from './cgroups.ts';
import { controlPlaneDown, controlPlaneUp } from './control-plane.ts';
import * as installation from './install.ts';
import { clusterFolder, Layout, MACHINE } from './layout.ts';
import { locked } from './lock.ts';
import type { NodeOptions } from './node-files.ts';
import { nodeDown, nodesUp } from './node.ts';
import { ensurePackages } from './packages.ts';
import { slotIsFree } from './ports.ts';
import { killAll, marked } from './processes.ts';
import { say } from './shell.ts';
import { Slots } from './slots.ts';
import { MachineSysctls } from './sysctls.ts';
import { toolImages } from './tool-images.ts';

/** What a cluster keeps when it is down: images, so that they are there when it comes up again, and the logs of its last life. */
const LIFE = ['etcd', 'nodes', 'run', 'bin', 'pki', 'admin.kubeconfig'];

const slots = new Slots(join(MACHINE, 'slots'), slotIsFree);
const sysctls = new MachineSysctls(join(MACHINE, 'sysctls-before.json'));
const onMachine = <T>(work: () => Promise<T>): Promise<T> => locked(join(MACHINE, 'lock'), work);
/** One command at a time changes a cluster. */
const onCluster = <T>(work: () => Promise<T>): Promise<T> =>
  locked(join(clusterFolder(), 'lock'), work, (pid) =>
    say(`waiting for process ${pid}, which is changing this cluster`),
  );

/** The cluster of CLUSTER, or the default one; undefined when it is not up, not even by half. */
export function find(): Layout | undefined {
  const dir = clusterFolder();
  const slot = slots.of(dir);
  return slot === undefined ? undefined : new Layout(dir, slot);
}

/** The same; throws with what to do when it is not up. */
export function existing(): Layout {
  const layout = find();
  if (layout) return layout;
  throw new Error('no cluster is up; start one with: npm run cluster -- up');
}

/** The environment that makes kubectl, and the tests, talk to the cluster. */
export const clusterEnvironment = (layout: Layout): Record<string, string> => ({
  KUBECONFIG: layout.kubeconfig,
  KUBEBUILDER_ASSETS: layout.bin,
  CLUSTER: layout.dir,
});

const forget = (dir: string): void => {
  for (const name of LIFE) rmSync(join(dir, name), { recursive: true, force: true });
};

/** Takes a slot and notes the sysctls: before anything is changed, so that `down` knows what to undo whatever happens next. */
const claim = (): Promise<Layout> =>
  onMachine(async () => {
    const dir = clusterFolder();
    // Without a slot, what lies there is from before a reboot: its certificates may name another slot's addresses.
    if (slots.of(dir) === undefined) forget(dir);
    const layout = new Layout(dir, await slots.claim(dir));
    sysctls.save();
    return layout;
  });

/** Brings the control plane and the first `nodes` nodes up. What runs already stays as it is; what is half up is completed. */
export async function up(nodes: number): Promise<Layout> {
  if (process.getuid?.() !== 0)
    throw new Error('a cluster needs root: its nodes are namespaces, mounts and cgroups of this machine');
  await ensurePackages();
  return onCluster(async () => {
    const layout = await claim();
    for (const folder of [layout.run, layout.log, layout.images]) mkdirSync(folder, { recursive: true });
    await ensureBinaries(layout.bin);
    for (const archive of await toolImages()) installation.keepArchive(layout, archive);
    await controlPlaneUp(layout);
    await nodesUp(
      layout,
      Array.from({ length: nodes }, (_, i) => `node-${i + 1}`),
    );
    return layout;
  });
}

/** Takes everything away, also what a crash half-way left behind. Returns false when there was nothing. */
export async function down(): Promise<boolean> {
  if (!find()) return false;
  return onCluster(async () => {
    const layout = find();
    if (!layout) return false;
    await Promise.all(layout.nodes().map((node) => nodeDown(layout, node)));
    // The mark finds what was started right before a crash and never noted.
    await killAll(marked(layout));
    await controlPlaneDown(layout);
    await removeCgroups(layout);
    forget(layout.dir);
    await onMachine(async () => {
      if (slots.release(layout.slot)) sysctls.restore();
    });
    return true;
  });
}

/** Adds a node, or starts one that was taken down; resolves when it is Ready. */
export const addNode = (node: string, options: NodeOptions = {}): Promise<void> =>
  onCluster(() => nodesUp(existing(), [node], options));

/** Ends a node as a machine that is switched off does, and deletes its Node object unless `keepObject`. */
export const removeNode = (node: string, { keepObject = false } = {}): Promise<void> =>
  onCluster(async () => {
    const layout = existing();
    await nodeDown(layout, node);
    if (!keepObject) await installation.kubectl(layout, 'delete', 'node', node, '--ignore-not-found');
  });

/** Imports an image into every node, and into nodes that join later. */
export const load = (image: string): Promise<void> => onCluster(() => installation.load(existing(), image));

/** Builds the operator's image, loads it, applies the manifests and waits until the manager is available. */
export const install = (): Promise<void> => onCluster(() => installation.install(existing()));
