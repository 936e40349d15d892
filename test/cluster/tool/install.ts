import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { archiveOf } from './buildah.ts';
import { PROJECT, type Layout } from './layout.ts';
import { loadImage } from './node-exec.ts';
import { IMAGE, operatorImage } from './operator-image.ts';
import { pidOf } from './processes.ts';
import { run, say } from './shell.ts';

const NAMESPACE = 'sysctl-operator-system';

/** kubectl as cluster-admin; resolves with its standard output. */
export function kubectl(layout: Layout, ...args: string[]): Promise<string> {
  return run(join(layout.bin, 'kubectl'), args, { env: { ...process.env, KUBECONFIG: layout.kubeconfig } });
}

/** Copies an archive to where nodes that start find it; a reader never sees half of it. */
export function keepArchive(layout: Layout, archive: string, name = basename(archive)): string {
  const kept = join(layout.images, name);
  if (archive === kept) return kept;
  copyFileSync(archive, `${kept}.part`);
  renameSync(`${kept}.part`, kept);
  return kept;
}

async function loadArchive(layout: Layout, archive: string, name = basename(archive)): Promise<void> {
  const kept = keepArchive(layout, archive, name);
  const running = layout.nodes().filter((node) => pidOf(layout, node) !== undefined);
  await Promise.all(running.map((node) => loadImage(layout, node, kept)));
}

/** Imports an image (a local name, or an archive) into every node, and into nodes that join later. */
export const load = async (layout: Layout, image: string): Promise<void> =>
  loadArchive(layout, await archiveOf(image));

const read = (file: string): string | undefined =>
  existsSync(file) ? readFileSync(file, 'utf8') : undefined;

/** The image's tag stays the same, so the pods that run the one of before have to be told. */
async function startAnew(layout: Layout): Promise<void> {
  await kubectl(layout, '-n', NAMESPACE, 'rollout', 'restart', 'deployment/sysctl-operator');
  await kubectl(
    layout,
    '-n',
    NAMESPACE,
    'delete',
    'pod',
    '-l',
    'app.kubernetes.io/component=agent',
    '--wait=false',
  );
}

/** Builds the image, loads it, applies the manifests as a user would, and waits until the manager is available. */
export async function install(layout: Layout): Promise<void> {
  const archive = await operatorImage();
  // One name in the cluster whatever is in it: nodes that join load every archive that lies there.
  const name = 'sysctl-operator.tar';
  const loaded = join(layout.images, `${name}.from`);
  const from = basename(archive);
  const before = read(loaded);
  if (before !== from) {
    say('loading the image into the nodes');
    await loadArchive(layout, archive, name);
  }
  say('kubectl apply -k');
  await kubectl(layout, 'apply', '-k', join(PROJECT, 'test/cluster/tool/overlay'));
  if (before !== from) {
    if (before !== undefined) await startAnew(layout);
    writeFileSync(loaded, from);
  }
  await kubectl(layout, '-n', NAMESPACE, 'rollout', 'status', 'deployment/sysctl-operator', '--timeout=120s');
  say(`the operator runs (${IMAGE})`);
}
