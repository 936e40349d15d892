import type { Layout } from '../../cluster/tool/layout.ts';
import { nodeExec } from '../../cluster/tool/node-exec.ts';

const STATE = '/var/lib/sysctl-operator';

/** What can happen to the file systems of a node. */
export class Disk {
  readonly #layout: Layout;
  readonly #node: string;

  constructor(layout: Layout, node: string) {
    this.#layout = layout;
    this.#node = node;
  }

  /** Gives the agent's folder a file system of its own, so that nobody else's is filled. What is in the folder goes along. */
  async separate(): Promise<void> {
    await this.#sh(
      `mountpoint -q ${STATE} || { mkdir -p ${STATE} /run/moved && cp -a ${STATE}/. /run/moved && mount -t tmpfs -o size=256k,mode=755 faults ${STATE} && cp -a /run/moved/. ${STATE}; }`,
    );
  }

  /** The folder as it was, with what is in it now. */
  async join(): Promise<void> {
    await this.#sh(
      `if mountpoint -q ${STATE}; then rm -rf ${STATE}/filler /run/moved && cp -a ${STATE} /run/moved && umount ${STATE} && rm -rf ${STATE} && cp -a /run/moved ${STATE}; fi; rm -rf /run/moved`,
    );
  }

  /** ENOSPC for every further byte below the agent's folder. */
  async fill(): Promise<void> {
    await this.#sh(`cat /dev/zero > ${STATE}/filler 2>/dev/null || true`);
  }

  async empty(): Promise<void> {
    await this.#sh(`rm -f ${STATE}/filler`);
  }

  /** EROFS for every write below /etc. */
  async readOnlyEtc(): Promise<void> {
    await this.#sh('mountpoint -q /etc || mount --bind /etc /etc; mount -o remount,ro,bind /etc');
  }

  async writableEtc(): Promise<void> {
    await this.#sh('while mountpoint -q /etc; do umount -l /etc; done');
  }

  #sh(script: string): Promise<string> {
    return nodeExec(this.#layout, this.#node, 'sh', '-c', script);
  }
}
