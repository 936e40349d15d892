import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The project's own folder. */
export const PROJECT = join(import.meta.dirname, '..', '..', '..');

/** Where everything lies that is kept between runs: binaries, images, clusters. */
export const cacheFolder = (): string =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'sysctl-operator');

/** The folder of the cluster that the environment names, or of the default one. */
export const clusterFolder = (): string => resolve(process.env['CLUSTER'] || join(cacheFolder(), 'cluster'));

/**
 * What concerns the whole machine: taken slots and the sysctls' values before the first cluster. Not in the cache of a user, because all
 * users share the machine; in /run, because a reboot undoes everything that is noted there.
 */
export const MACHINE = '/run/sysctl-operator-clusters';

/** A cluster's folder and what derives from its slot: ports, bridge, address ranges, names of links and cgroups. */
export class Layout {
  readonly dir: string;
  readonly slot: number;

  constructor(dir: string, slot: number) {
    this.dir = dir;
    this.slot = slot;
  }

  get bin(): string {
    return join(this.dir, 'bin');
  }
  get pki(): string {
    return join(this.dir, 'pki');
  }
  /** Pid files. */
  get run(): string {
    return join(this.dir, 'run');
  }
  get log(): string {
    return join(this.dir, 'log');
  }
  /** Archives of the images that every node gets. */
  get images(): string {
    return join(this.dir, 'images');
  }
  get kubeconfig(): string {
    return join(this.dir, 'admin.kubeconfig');
  }
  get bridge(): string {
    return `k8sbr${this.slot}`;
  }
  get apiIp(): string {
    return `${this.nodePrefix}.1`;
  }
  get apiPort(): number {
    return 6443 + this.slot;
  }
  /** etcd's port for clients; the next one is for its peers. */
  get etcdPort(): number {
    return 12379 + 10 * this.slot;
  }
  get nodePrefix(): string {
    return `10.88.${this.slot}`;
  }
  get podPrefix(): string {
    return `10.${244 + this.slot}`;
  }
  nodeIp(index: number): string {
    return `${this.nodePrefix}.${10 + index}`;
  }
  podCidr(index: number): string {
    return `${this.podPrefix}.${index}.0/24`;
  }
  /** Names of a node's two cgroups below each controller: its pods, and its system processes. */
  cgroups(node: string): { pods: string; system: string } {
    return { pods: `k8s-${this.slot}-${node}`, system: `init-${this.slot}-${node}` };
  }
  veth(node: string): string {
    return `v${this.slot}-${node}`.slice(0, 15);
  }
  nodeFolder(node: string): string {
    return join(this.dir, 'nodes', node);
  }
  /** Nodes that were started and not taken down, in the order of their numbers. */
  nodes(): string[] {
    const folder = join(this.dir, 'nodes');
    return existsSync(folder)
      ? readdirSync(folder).toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      : [];
  }
}
