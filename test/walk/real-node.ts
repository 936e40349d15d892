import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RevisionData } from '../../operator/api/revision.ts';
import type { NodeSysctlState } from '../../operator/api/state.ts';
import { existing } from '../cluster/tool/cluster.ts';
import { execArguments } from '../cluster/tool/node-exec.ts';
import { apply, eventually, getState, kubectl, kubectlJson, NAMESPACE } from '../node/support/cluster.ts';
import { Life } from './life.ts';
import type { Step } from './steps.ts';

const NODE = 'node-1';
const POD = 'walk-account';
const MANAGER = 'deployment/sysctl-operator';

/** As the agent's pod has it: the node's network, IPC and PID namespaces, and files of its own, with the node's root at /proc/1/root. */
const INSIDE = [
  'unshare',
  '--mount',
  '--propagation',
  'private',
  'sh',
  '-c',
  'mount -t proc proc /proc && exec setpriv --pdeathsig KILL "$@"',
  'sh',
];

interface KubeConfig {
  clusters: { cluster: { 'certificate-authority-data': string } }[];
}

/** A real node on which agents are started by hand, while the operator's manager rests. */
export class RealNode {
  readonly #folder: string;
  readonly #lives: Life[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async take(): Promise<RealNode> {
    const node = new RealNode(await mkdtemp(join(tmpdir(), 'sysctl-operator-walk-')));
    await kubectl('-n', NAMESPACE, 'scale', MANAGER, '--replicas=0');
    const managers = [
      '-n',
      NAMESPACE,
      'get',
      'pods',
      '-l',
      'app.kubernetes.io/component=manager',
      '-o',
      'name',
    ];
    await eventually(
      () => kubectl(...managers),
      (found) => found.trim() === '',
      'the manager is still there',
    );
    await node.#prepare();
    return node;
  }

  async #prepare(): Promise<void> {
    // What a token of the agent must be bound to.
    await apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: POD, namespace: NAMESPACE },
      spec: {
        nodeName: NODE,
        serviceAccountName: 'sysctl-operator-agent',
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'main', image: 'local.test/pause:1', imagePullPolicy: 'IfNotPresent' }],
      },
    });
    const bound = ['--bound-object-kind', 'Pod', '--bound-object-name', POD];
    const token = await kubectl('-n', NAMESPACE, 'create', 'token', 'sysctl-operator-agent', ...bound);
    const config = await kubectlJson<KubeConfig>('config', 'view', '--raw', '--minify');
    const ca = config.clusters[0]?.cluster['certificate-authority-data'] ?? '';
    await writeFile(join(this.#folder, 'token'), token.trim(), { mode: 0o600 });
    await writeFile(join(this.#folder, 'ca.crt'), Buffer.from(ca, 'base64'));
    const { metadata } = await kubectlJson<{ metadata: { uid: string } }>('get', 'node', NODE);
    await apply({
      apiVersion: 'sysctl-operator.dev/v1alpha1',
      kind: 'NodeSysctlState',
      metadata: {
        name: NODE,
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: NODE, uid: metadata.uid }],
      },
      spec: { revision: 'walk-none' },
    });
  }

  async createRevision(name: string, data: RevisionData): Promise<void> {
    const metadata = { name, namespace: NAMESPACE };
    await apply({ apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, revision: 1, data });
  }

  /** Starts an agent; `end`: before which step it is killed. */
  agent(end?: Step): Life {
    const layout = existing();
    const [, , pid = ''] = execArguments(layout, NODE, []);
    const life = new Life({
      role: 'agent',
      folder: this.#folder,
      name: `agent-${this.#lives.length + 1}`,
      end,
      through: ['nsenter', '--target', pid, '--uts', '--ipc', '--net', '--pid', '--', ...INSIDE],
      env: {
        TMPDIR: this.#folder,
        KUBERNETES_SERVICE_HOST: layout.apiIp,
        KUBERNETES_SERVICE_PORT: String(layout.apiPort),
        CA_FILE: join(this.#folder, 'ca.crt'),
        TOKEN_FILE: join(this.#folder, 'token'),
        POD_NAMESPACE: NAMESPACE,
        NODE_NAME: NODE,
        DRIFT_INTERVAL_SECONDS: '2',
      },
    });
    this.#lives.push(life);
    return life;
  }

  /** What the manager does: names another revision. */
  async want(revision: string): Promise<void> {
    await kubectl(
      'patch',
      'nodesysctlstate',
      NODE,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { revision } }),
    );
  }

  untilState(what: string, holds: (state: NodeSysctlState) => boolean): Promise<NodeSysctlState> {
    return eventually(() => getState(NODE), holds, what, 90_000).catch((error: unknown) => {
      throw new Error(
        `${String(error)}\n${this.#lives
          .slice(-2)
          .map(({ log }) => log.slice(-3000))
          .join('\n--\n')}`,
      );
    });
  }

  /** The list of the running kubelet, as it says itself. */
  async liveList(): Promise<string[]> {
    const text = await kubectl('get', '--raw', `/api/v1/nodes/${NODE}/proxy/configz`);
    const { kubeletconfig } = JSON.parse(text) as { kubeletconfig: { allowedUnsafeSysctls?: string[] } };
    return kubeletconfig.allowedUnsafeSysctls ?? [];
  }

  /** Ends every agent that still runs, at once: one that is stopped so puts nothing back. */
  async stop(): Promise<void> {
    await Promise.all(this.#lives.map((life) => life.stop()));
  }

  /** As it was, with the manager at work again. */
  async giveBack(): Promise<void> {
    await this.stop();
    await kubectl('delete', 'nodesysctlstate', NODE, '--ignore-not-found');
    await kubectl('-n', NAMESPACE, 'delete', 'pod', POD, '--grace-period=0', '--force', '--ignore-not-found');
    await kubectl('-n', NAMESPACE, 'scale', MANAGER, '--replicas=1');
    await rm(this.#folder, { recursive: true, force: true });
  }
}
