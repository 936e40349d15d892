import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What an agent sees of its node, as plain files: the kernel with one sysctl, and the host's disk. */
export class NodeFolder {
  readonly path: string;
  readonly #swappiness: string;

  private constructor(path: string) {
    this.path = path;
    this.#swappiness = join(path, 'sys/vm/swappiness');
  }

  static async make(): Promise<NodeFolder> {
    const node = new NodeFolder(await mkdtemp(join(tmpdir(), 'sysctl-operator-node-')));
    for (const folder of ['sys/vm', 'sys/kernel/random', 'state'])
      await mkdir(join(node.path, folder), { recursive: true });
    await writeFile(node.#swappiness, '60\n');
    await writeFile(join(node.path, 'sys/kernel/random/boot_id'), '5f0c4d6e-0f5c-4b7e-9f0e-2f1f6c3d9a10\n');
    return node;
  }

  async swappiness(): Promise<string> {
    return (await readFile(this.#swappiness, 'utf8')).trim();
  }

  /** The agent's environment that makes it take this folder for its node. */
  get env(): Record<string, string> {
    return {
      HOST_ROOT: this.path,
      STATE_DIR: join(this.path, 'state'),
      PROC_SYS: join(this.path, 'sys'),
      TMPDIR: this.path,
    };
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
