import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeCgroups } from './cgroups.ts';
import type { Layout } from './layout.ts';
import { boot } from './node-boot.ts';
import { loadImage, nodeExec } from './node-exec.ts';
import { writeNodeFiles, type NodeOptions } from './node-files.ts';
import { connect, disconnect, nodeIndex } from './node-network.ts';
import { kill, pidOf } from './processes.ts';
import { say, succeeds, until } from './shell.ts';

/** Written last: a node without it was interrupted while it started, and is started anew. */
const started = (layout: Layout, node: string): string => join(layout.nodeFolder(node), 'started');

const runs = (layout: Layout, node: string): boolean =>
  pidOf(layout, node) !== undefined && existsSync(started(layout, node));

/** Images and readiness: what takes long, and does not touch another node. */
async function settle(layout: Layout, node: string): Promise<void> {
  if (!runs(layout, node)) {
    const answers = (): Promise<boolean> =>
      nodeExec(layout, node, 'ctr', 'version').then(
        () => true,
        () => false,
      );
    const log = join(layout.log, node, 'containerd.log');
    await until(answers, 20_000, `containerd of ${node} does not answer; see ${log}`);
    for (const archive of readdirSync(layout.images).filter((name) => name.endsWith('.tar')))
      await loadImage(layout, node, join(layout.images, archive));
    writeFileSync(started(layout, node), '');
  }
  const env = { ...process.env, KUBECONFIG: layout.kubeconfig };
  const wait = ['wait', '--for=condition=Ready', `node/${node}`, '--timeout=1s'];
  const ready = (): Promise<boolean> => succeeds(join(layout.bin, 'kubectl'), wait, { env });
  await until(ready, 60_000, `${node} is not Ready; see ${join(layout.log, node, 'kubelet.log')}`);
  say(`${node} is Ready`);
}

/** Starts nodes unless they run, and waits until all are Ready. One whose start was interrupted is started anew. */
export async function nodesUp(
  layout: Layout,
  nodes: readonly string[],
  options: NodeOptions = {},
): Promise<void> {
  // systemd as process 1 raises both for the whole machine.
  const raised = ['/proc/sys/fs/file-max', '/proc/sys/fs/nr_open'].map(
    (file) => [file, readFileSync(file, 'utf8')] as const,
  );
  for (const node of nodes) {
    const index = nodeIndex(node);
    if (runs(layout, node)) continue;
    await nodeDown(layout, node);
    await writeNodeFiles(layout, node, index, options);
    await boot(layout, node);
    await connect(layout, node);
  }
  const results = await Promise.allSettled(nodes.map((node) => settle(layout, node)));
  for (const [file, value] of raised) writeFileSync(file, value);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Killing process 1 of a node ends all of its processes; its mounts and links go with its namespaces. */
export async function nodeDown(layout: Layout, node: string): Promise<void> {
  await kill(layout, node);
  await removeCgroups(layout, node);
  await disconnect(layout, node);
  rmSync(layout.nodeFolder(node), { recursive: true, force: true });
}
