import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Clusters that fit on one machine side by side. */
export const SLOTS = 8;

/**
 * Who has which slot: one file per slot that names the cluster's folder. A cluster's ports, links, address ranges and cgroups derive
 * from its slot, so clusters with different slots do not meet.
 */
export class Slots {
  readonly #folder: string;
  readonly #isFree: (slot: number) => Promise<boolean>;

  /** `isFree` says whether the machine uses what the slot stands for (its ports, its addresses) for something else. */
  constructor(folder: string, isFree: (slot: number) => Promise<boolean>) {
    this.#folder = folder;
    this.#isFree = isFree;
  }

  /** Every slot that is taken, with its cluster's folder. */
  taken(): { slot: number; dir: string }[] {
    try {
      return readdirSync(this.#folder).map((name) => ({
        slot: Number(name),
        dir: readFileSync(join(this.#folder, name), 'utf8').trim(),
      }));
    } catch {
      return [];
    }
  }

  /** The slot of a cluster; undefined when it has none: it is not up, not even by half. */
  of(dir: string): number | undefined {
    return this.taken().find((taken) => taken.dir === dir)?.slot;
  }

  /** The slot of a cluster, a free one if it has none yet; throws with the clusters to take down when all are taken. */
  async claim(dir: string): Promise<number> {
    const own = this.of(dir);
    if (own !== undefined) return own;
    mkdirSync(this.#folder, { recursive: true });
    const foreign: number[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.taken().some((taken) => taken.slot === slot)) continue;
      if (!(await this.#isFree(slot))) {
        foreign.push(slot);
        continue;
      }
      try {
        writeFileSync(join(this.#folder, String(slot)), `${dir}\n`, { flag: 'wx' });
        return slot;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
    const lines = [
      ...this.taken().map((taken) => `${taken.slot}: CLUSTER=${taken.dir}`),
      ...foreign.map((slot) => `${slot}: its ports or addresses are used by something else on this machine`),
    ];
    throw new Error(
      `no slot is free for another cluster; take one down first (npm run cluster -- down):\n  ${lines.join('\n  ')}`,
    );
  }

  /** Gives a slot back; true when no cluster holds one any more. */
  release(slot: number): boolean {
    rmSync(join(this.#folder, String(slot)), { force: true });
    return this.taken().length === 0;
  }
}
