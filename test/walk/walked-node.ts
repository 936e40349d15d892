import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RevisionData } from '../../operator/api/revision.ts';
import type { NodeSysctlState } from '../../operator/api/state.ts';
import type { Credentials, TestApiServer } from '../cluster/support/api-server.ts';
import { APPS, object, patch, post, STATES } from '../cluster/support/calls.ts';
import { createNode, NAMESPACE, podToken } from '../cluster/support/service-accounts.ts';
import { until } from '../cluster/support/wait.ts';
import { Life } from './life.ts';
import type { Step } from './steps.ts';

const FORWARD = fileURLToPath(new URL('forward.ts', import.meta.url));
const NODE = 'node-1';
/** The namespaces that hold the values which these tests change; mount, so that nothing is mounted outside. */
const KINDS = ['--net', '--ipc', '--uts', '--mount'];
const run = promisify(execFile);

/** A node as far as its kernel goes: namespaces of their own in which agents come and go, and a state on a real API server. */
export class WalkedNode {
  readonly folder: string;
  /** Where ledger and journals lie. */
  readonly stateDir: string;
  readonly #server: TestApiServer;
  readonly #credentials: Credentials;
  readonly #door: Server;
  readonly #holder: ChildProcessWithoutNullStreams;
  readonly #lives: Life[] = [];

  private constructor(
    folder: string,
    server: TestApiServer,
    credentials: Credentials,
    door: Server,
    holder: ChildProcessWithoutNullStreams,
  ) {
    this.folder = folder;
    this.stateDir = join(folder, 'state');
    this.#server = server;
    this.#credentials = credentials;
    this.#door = door;
    this.#holder = holder;
  }

  static async make(server: TestApiServer): Promise<WalkedNode> {
    const folder = await mkdtemp(join(tmpdir(), 'sysctl-operator-walk-'));
    await mkdir(join(folder, 'state'));
    const { hostname, port } = new URL(server.url);
    const socket = join(folder, 'api.sock');
    const door = createServer((inside) => {
      const outside = connect(Number(port), hostname);
      inside.pipe(outside).pipe(inside);
      inside.on('error', () => outside.destroy()).on('close', () => outside.destroy());
      outside.on('error', () => inside.destroy()).on('close', () => inside.destroy());
    });
    door.listen(socket);
    const own = ['--propagation', 'private', process.execPath, FORWARD, port, socket];
    const holder = spawn('unshare', [...KINDS, ...own]);
    await once(holder.stdout, 'data');
    const { metadata } = (await createNode(server.admin, NODE)) as { metadata: { uid: string } };
    const owner = { apiVersion: 'v1', kind: 'Node', name: NODE, uid: metadata.uid };
    const credentials = await server.credentials(
      'agent',
      await podToken(server.admin, NODE, 'sysctl-operator-agent'),
    );
    const node = new WalkedNode(folder, server, credentials, door, holder);
    const state = object('sysctl-operator.dev/v1alpha1', 'NodeSysctlState', NODE, {
      metadata: { name: NODE, ownerReferences: [owner] },
      spec: { revision: 'none' },
    });
    await server.admin.must(post(STATES, state));
    return node;
  }

  /** Starts an agent; `end`: before which step it is killed. */
  agent(options: { end?: Step; sweepSeconds?: number; stateDir?: string } = {}): Life {
    const { hostname, port } = new URL(this.#server.url);
    const life = new Life({
      role: 'agent',
      folder: this.folder,
      name: `agent-${this.#lives.length + 1}`,
      end: options.end,
      through: ['nsenter', '--target', String(this.#holder.pid), ...KINDS, '--'],
      env: {
        HOST_ROOT: this.folder,
        STATE_DIR: options.stateDir ?? this.stateDir,
        TMPDIR: this.folder,
        KUBERNETES_SERVICE_HOST: hostname,
        KUBERNETES_SERVICE_PORT: port,
        CA_FILE: this.#credentials.caFile,
        TOKEN_FILE: this.#credentials.tokenFile,
        POD_NAMESPACE: NAMESPACE,
        NODE_NAME: NODE,
        DRIFT_INTERVAL_SECONDS: String(options.sweepSeconds ?? 60),
      },
    });
    this.#lives.push(life);
    return life;
  }

  async createRevision(name: string, data: RevisionData): Promise<void> {
    const revision = object('apps/v1', 'ControllerRevision', name, { revision: 1, data });
    await this.#server.admin.must(post(`${APPS}/controllerrevisions`, revision));
  }

  /** What the manager does: names another revision. */
  async want(revision: string): Promise<void> {
    await this.#server.admin.must(patch(`${STATES}/${NODE}`, { spec: { revision } }));
  }

  async state(): Promise<NodeSysctlState> {
    return (await this.#server.admin.must({ path: `${STATES}/${NODE}` })) as unknown as NodeSysctlState;
  }

  /** Resolves with the state once it is so; throws after a minute, with what it is and what the agents said last. */
  async untilState(what: string, holds: (state: NodeSysctlState) => boolean): Promise<NodeSysctlState> {
    let state = await this.state();
    const check = async (): Promise<boolean> => holds((state = await this.state()));
    const last = (): string =>
      this.#lives
        .slice(-2)
        .map(({ log }) => log.slice(-3000))
        .join('\n--\n');
    await until(what, check, () => `${JSON.stringify(state.status, null, 1)}\n${last()}`);
    return state;
  }

  /** Runs a command in the node's namespaces; resolves with what it prints. */
  async run(...command: string[]): Promise<string> {
    return (await run('nsenter', ['--target', String(this.#holder.pid), ...KINDS, '--', ...command])).stdout;
  }

  /** The kernel's values, past every agent; lists with single spaces. */
  async read(...names: string[]): Promise<Record<string, string>> {
    const lines = (await this.run('sysctl', '-n', ...names)).trimEnd().split('\n');
    return Object.fromEntries(names.map((name, i) => [name, (lines[i] ?? '').replaceAll('\t', ' ')]));
  }

  /** By another hand. */
  async write(name: string, value: string): Promise<void> {
    await this.run('sysctl', '-q', '-w', `${name}=${value}`);
  }

  /** Empty where there is none. */
  async ledger(): Promise<{ entries?: Record<string, unknown> }> {
    const text = await readFile(join(this.stateDir, 'ledger.json'), 'utf8').catch(() => '{}');
    return JSON.parse(text) as { entries?: Record<string, unknown> };
  }

  /** Ends every agent that still runs. */
  async stop(): Promise<void> {
    await Promise.all(this.#lives.map((life) => life.stop()));
  }

  async remove(): Promise<void> {
    await this.stop();
    this.#holder.stdin.end();
    if (this.#holder.exitCode === null) await once(this.#holder, 'exit');
    this.#door.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
