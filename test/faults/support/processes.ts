import { setTimeout as sleep } from 'node:timers/promises';
import { controlPlaneUp } from '../../cluster/tool/control-plane.ts';
import type { Layout } from '../../cluster/tool/layout.ts';
import { nodeExec } from '../../cluster/tool/node-exec.ts';
import { killAll, pidOf } from '../../cluster/tool/processes.ts';
import type { TestRedis } from '../../queues/support/redis.ts';
import type { Victim } from './schedule.ts';

/** Arguments of pkill and pgrep that find a program on a node, and nothing else. */
const ON_NODE: Readonly<Record<'manager' | 'agent' | 'kubelet' | 'containerd' | 'redis', string[]>> = {
  manager: ['-f', 'main.cjs manager'],
  agent: ['-f', 'main.cjs agent'],
  kubelet: ['-x', 'kubelet'],
  containerd: ['-x', 'containerd'],
  redis: ['-x', 'redis-server|valkey-server'],
};

type Signal = 'KILL' | 'STOP' | 'CONT';

/** What can happen to the processes of a cluster. Those on nodes are started again by systemd or the kubelet, the others by us. */
export class Processes {
  readonly #layout: Layout;
  readonly #nodes: readonly string[];
  /** undefined: the managers run their own. */
  readonly #redis: TestRedis | undefined;
  #restarting: Promise<void> = Promise.resolve();

  constructor(layout: Layout, nodes: readonly string[], redis: TestRedis | undefined) {
    this.#layout = layout;
    this.#nodes = nodes;
    this.#redis = redis;
  }

  /** kill -9. Resolves with the nodes on which there was one to kill; it does not wait until it runs again. */
  async kill(victim: Victim): Promise<string[]> {
    const { what } = victim;
    if (what === 'kube-apiserver' || what === 'etcd') {
      const pid = pidOf(this.#layout, what);
      if (pid !== undefined) await killAll([pid]);
      this.#restart();
      // Who waits for it is told.
      this.#restarting.catch(() => {});
      return [];
    }
    if (what === 'redis' && this.#redis) {
      await this.#redis.down();
      await this.#redis.up();
      return [];
    }
    return this.#signal(victim, 'KILL');
  }

  /** SIGSTOP, and SIGCONT after `ms`. */
  async pause(victim: Victim, ms: number): Promise<void> {
    const { what } = victim;
    if (what === 'kube-apiserver' || what === 'etcd') {
      const pid = pidOf(this.#layout, what);
      if (pid === undefined) return;
      process.kill(pid, 'SIGSTOP');
      await sleep(ms);
      if (pidOf(this.#layout, what) === pid) process.kill(pid, 'SIGCONT');
    } else if (what === 'redis' && this.#redis) {
      this.#redis.pause();
      await sleep(ms);
      this.#redis.resume();
    } else {
      const nodes = await this.#signal(victim, 'STOP');
      await sleep(ms);
      for (const node of nodes) await this.#send(node, what, 'CONT');
    }
  }

  /** Empties the Redis of the managers. */
  async flush(): Promise<void> {
    if (this.#redis) await this.#redis.command('FLUSHALL');
    else await this.#signal({ what: 'redis' }, 'KILL');
  }

  /** Resolves when the control plane runs again. */
  async settled(): Promise<void> {
    await this.#restarting;
  }

  /** One after the other: the next kill makes a restart that is under way fail, which is then begun again. */
  #restart(): void {
    this.#restarting = this.#restarting.then(() => this.#up());
  }

  async #up(tries = 10): Promise<void> {
    try {
      await controlPlaneUp(this.#layout);
    } catch (error) {
      if (tries === 0) throw error;
      await this.#up(tries - 1);
    }
  }

  /** The managers are on a node that nobody chose: where there is none on the victim's, the others'. */
  async #signal({ what, node }: Victim, signal: Signal): Promise<string[]> {
    if (what === 'kube-apiserver' || what === 'etcd') return [];
    const others = this.#nodes.filter((other) => other !== node);
    const places = node === undefined ? others : what === 'manager' ? [node, ...others] : [node];
    for (const place of places) if (await this.#send(place, what, signal)) return [place];
    return [];
  }

  /** False where there is no such process. */
  #send(node: string, what: keyof typeof ON_NODE, signal: Signal): Promise<boolean> {
    return nodeExec(this.#layout, node, 'pkill', `-${signal}`, ...ON_NODE[what]).then(
      () => true,
      () => false,
    );
  }
}
