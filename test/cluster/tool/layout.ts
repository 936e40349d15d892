import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where everything lies that is kept between runs: binaries, images, clusters. */
export const cacheFolder = (): string =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'sysctl-operator');

const SLOTS = 8;

/**
 * A cluster's folder and what derives from its slot: ports, bridge, address ranges, cgroup names. Clusters with different slots
 * do not meet.
 */
export class Layout {
  readonly dir: string;
  readonly slot: number;

  private constructor(dir: string, slot: number) {
    this.dir = dir;
    this.slot = slot;
  }

  /** The cluster of CLUSTER, or the default one. Takes a free slot when `claim`; undefined where there is none and none is claimed. */
  static find(claim: boolean): Layout | undefined {
    const dir = resolve(process.env['CLUSTER'] || join(cacheFolder(), 'cluster'));
    const slots = join(cacheFolder(), 'slots');
    mkdirSync(slots, { recursive: true });
    for (const name of readdirSync(slots))
      if (readFileSync(join(slots, name), 'utf8').trim() === dir) return new Layout(dir, Number(name));
    if (!claim) return undefined;
    for (let slot = 0; slot < SLOTS; slot++) {
      try {
        writeFileSync(join(slots, String(slot)), `${dir}\n`, { flag: 'wx' });
        mkdirSync(dir, { recursive: true });
        return new Layout(dir, slot);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
    const used = readdirSync(slots).map(
      (name) => `${name}: ${readFileSync(join(slots, name), 'utf8').trim()}`,
    );
    throw new Error(
      `all ${SLOTS} slots are taken; take one of these clusters down first:\n  ${used.join('\n  ')}`,
    );
  }

  /** Gives the slot back; true when no other cluster holds one. */
  release(): boolean {
    rmSync(join(cacheFolder(), 'slots', String(this.slot)), { force: true });
    return readdirSync(join(cacheFolder(), 'slots')).length === 0;
  }

  get bin(): string {
    return join(this.dir, 'bin');
  }
  get pki(): string {
    return join(this.dir, 'pki');
  }
  get run(): string {
    return join(this.dir, 'run');
  }
  get log(): string {
    return join(this.dir, 'log');
  }
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
    return `10.88.${this.slot}.1`;
  }
  get apiPort(): number {
    return 6443 + this.slot;
  }
  get etcdPort(): number {
    return 12379 + 10 * this.slot;
  }
  get podPrefix(): string {
    return `10.${244 + this.slot}`;
  }
  nodeIp(index: number): string {
    return `10.88.${this.slot}.${10 + index}`;
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
  nodes(): string[] {
    const folder = join(this.dir, 'nodes');
    return existsSync(folder)
      ? readdirSync(folder).toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      : [];
  }
}
