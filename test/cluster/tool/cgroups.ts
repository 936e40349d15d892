import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './layout.ts';
import { killAll } from './processes.ts';

const CGROUPS = '/sys/fs/cgroup';

/** The cgroup hierarchies: one per controller on v1, the only one on v2. */
const hierarchies = (): string[] =>
  existsSync(join(CGROUPS, 'cgroup.controllers'))
    ? [CGROUPS]
    : readdirSync(CGROUPS, { withFileTypes: true })
        .filter((e) => e.isDirectory())
        .map((e) => join(CGROUPS, e.name));

/** The two cgroups of a node, below every hierarchy. */
export function makeCgroups(layout: Layout, node: string): void {
  for (const group of hierarchies())
    for (const name of Object.values(layout.cgroups(node))) {
      const folder = join(group, name);
      mkdirSync(folder, { recursive: true });
      // A new cpuset (v1) takes no process before it has cpus and mems.
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        if (existsSync(join(group, file)) && !existsSync(join(group, 'cgroup.controllers')))
          writeFileSync(join(folder, file), readFileSync(join(group, file)));
    }
}

function removeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(folder, entry.name));
  rmdirSync(folder);
}

const processesOf = (folder: string): number[] => [
  ...readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number),
  ...readdirSync(folder, { withFileTypes: true })
    .filter((e) => e.isDirectory())
    .flatMap((e) => processesOf(join(folder, e.name))),
];

/** Ends what still runs in the cgroups of a node, or of every node of the cluster, and removes them. */
export async function removeCgroups(layout: Layout, node = '*'): Promise<void> {
  const { pods, system } = layout.cgroups(node === '*' ? '' : node);
  const ours = (name: string): boolean =>
    node === '*' ? name.startsWith(pods) || name.startsWith(system) : name === pods || name === system;
  for (const group of hierarchies())
    for (const name of readdirSync(group).filter(ours)) {
      const folder = join(group, name);
      for (let i = 0; i < 20 && existsSync(folder); i++) {
        try {
          await killAll(processesOf(folder).filter((pid) => pid !== process.pid && pid > 1));
          removeTree(folder);
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    }
}
