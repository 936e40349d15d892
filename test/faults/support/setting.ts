import type { Layout } from '../../cluster/tool/layout.ts';
import { nodeExec } from '../../cluster/tool/node-exec.ts';
import { succeeds, until } from '../../cluster/tool/shell.ts';
import { clean, kubectl, names, NAMESPACE } from '../../node/support/cluster.ts';
import { TestRedis } from '../../queues/support/redis.ts';
import type { ApiProxy } from './api-proxy.ts';
import { Disk } from './disk.ts';
import { redirect, startApiProxy, undoRedirect } from './place.ts';
import type { Schedule } from './schedule.ts';
import { TcpProxy } from './tcp-proxy.ts';

/**
 * What an admin has set: containers that end are started again after a second, not after up to five minutes, so that a program that is
 * killed every few seconds lives in between; and a list of the admin's own, which nobody may lose.
 */
const ADMIN_CONFIG = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
crashLoopBackOff: {maxContainerRestartPeriod: 1s}
allowedUnsafeSysctls: [net.ipv4.tcp_mtu_probing]
`;
const ADMIN_FILE = '/etc/kubernetes/kubelet.conf.d/10-admin.conf';
const SECRET = 'sysctl-operator-redis';
const DEPLOYMENT = ['-n', NAMESPACE, 'deployment/sysctl-operator'];

/** The installed operator with a proxy before the API server, one before Redis, and small disks: everything that faults need. */
export class Setting {
  readonly layout: Layout;
  readonly nodes: readonly string[];
  readonly api: ApiProxy;
  readonly redis: { server: TestRedis; proxy: TcpProxy } | undefined;
  readonly disks: ReadonlyMap<string, Disk>;

  private constructor(layout: Layout, api: ApiProxy, redis: Setting['redis']) {
    this.layout = layout;
    this.nodes = layout.nodes();
    this.api = api;
    this.redis = redis;
    this.disks = new Map(this.nodes.map((node) => [node, new Disk(layout, node)]));
  }

  /** The nodes are clean, and the managers run behind the proxies, when it resolves. */
  static async make(layout: Layout, redis: Schedule['redis']): Promise<Setting> {
    const setting = new Setting(
      layout,
      await startApiProxy(layout),
      redis === 'external' ? await redisBehindProxy() : undefined,
    );
    try {
      await setting.#forgetLast();
      await clean();
      await setting.#arrange();
      return setting;
    } catch (error) {
      await setting.undo();
      throw error;
    }
  }

  /** Everything as `install` leaves it; every step is tried, also when one fails. */
  async undo(): Promise<void> {
    const disks = [...this.disks.values()];
    const steps: (() => Promise<unknown>)[] = [
      ...this.nodes.map((node) => () => undoRedirect(this.layout, node)),
      ...disks.flatMap((disk) => [() => disk.writableEtc(), () => disk.empty()]),
      // Whoever still waits on a silent connection finds the straight way.
      () => this.api.close(),
      () => clean(),
      ...disks.map((disk) => () => disk.join()),
      ...this.nodes.map((node) => () => this.#configureKubelet(node, `rm -f ${ADMIN_FILE}`)),
      () => kubectl('-n', NAMESPACE, 'delete', 'secret', SECRET, '--ignore-not-found'),
      () => kubectl('set', 'env', ...DEPLOYMENT, 'AGENT_DRIFT_INTERVAL_SECONDS-'),
      () => this.#restartManagers(1),
      async () => this.redis?.proxy.close(),
      async () => this.redis?.server.close(),
    ];
    const failed: unknown[] = [];
    for (const step of steps) await step().catch((error: unknown) => failed.push(error));
    if (failed.length > 0)
      throw new AggregateError(failed, `not everything was undone: ${failed.join('; ')}`);
  }

  /** A run that was killed leaves the operator behind proxies that are gone. */
  async #forgetLast(): Promise<void> {
    for (const node of this.nodes) await undoRedirect(this.layout, node);
    for (const disk of this.disks.values()) {
      await disk.writableEtc();
      await disk.empty();
    }
    if ((await names('secrets', '-n', NAMESPACE, SECRET, '--ignore-not-found')).length === 0) return;
    await kubectl('-n', NAMESPACE, 'delete', 'secret', SECRET);
    await this.#restartManagers(1);
  }

  async #arrange(): Promise<void> {
    for (const node of this.nodes) {
      await redirect(this.layout, node, this.api.network.port);
      await this.disks.get(node)?.separate();
      await this.#configureKubelet(node, `cat > ${ADMIN_FILE} <<'END'\n${ADMIN_CONFIG}END`);
    }
    if (this.redis) {
      const url = `redis://${this.layout.apiIp}:${this.redis.proxy.port}`;
      await kubectl('-n', NAMESPACE, 'create', 'secret', 'generic', SECRET, `--from-literal=url=${url}`);
    }
    await kubectl('set', 'env', ...DEPLOYMENT, 'AGENT_DRIFT_INTERVAL_SECONDS=2');
    // Two need a Redis that both share.
    await this.#restartManagers(this.redis ? 2 : 1);
  }

  async #restartManagers(replicas: number): Promise<void> {
    await kubectl('scale', ...DEPLOYMENT, `--replicas=${replicas}`);
    await kubectl('rollout', 'restart', ...DEPLOYMENT);
    await kubectl('rollout', 'status', ...DEPLOYMENT, '--timeout=120s');
    // One whose connections have gone silent takes a while to end.
    const managers = ['-n', NAMESPACE, '-l', 'app.kubernetes.io/component=manager'];
    await until(
      async () => (await names('pods', ...managers)).length === replicas,
      60_000,
      'managers of before are left',
    );
  }

  async #configureKubelet(node: string, command: string): Promise<void> {
    await nodeExec(this.layout, node, 'sh', '-c', `${command}\nsystemctl restart kubelet`);
    await until(() => runs(node), 60_000, `${node} is not Ready again`);
  }
}

async function redisBehindProxy(): Promise<Setting['redis']> {
  const server = await TestRedis.start();
  const upstream = { path: server.url };
  return { server, proxy: await TcpProxy.listen({ host: '0.0.0.0', upstream, whoIs: () => 'redis' }) };
}

/** Its kubelet answers, the one of now: a Node stays Ready for a while without one. */
const runs = async (node: string): Promise<boolean> =>
  (await succeeds('kubectl', ['get', '--raw', `/api/v1/nodes/${node}/proxy/healthz`])) &&
  (await succeeds('kubectl', ['wait', '--for=condition=Ready', `node/${node}`, '--timeout=1s']));
