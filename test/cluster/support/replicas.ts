import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Audited, TestApiServer } from './api-server.ts';
import { LEASES } from './calls.ts';
import { Program } from './programs.ts';
import { NAMESPACE, podToken } from './service-accounts.ts';

/** Name of the pod that a token is bound to. */
function podOf(token: string): string {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    'kubernetes.io': { pod: { name: string } };
  };
  return claims['kubernetes.io'].pod.name;
}

/** One manager as a process, with the token of a pod of its own: by that the API server's log tells replicas apart. */
export class Replica {
  readonly name: string;
  readonly healthPort: number;
  readonly program: Program;

  constructor(name: string, healthPort: number, program: Program) {
    this.name = name;
    this.healthPort = healthPort;
    this.program = program;
  }

  /** Nodes that it has changed, as often as it has. */
  get jobs(): number {
    return this.program.log.split('"node changed"').length - 1;
  }

  /** Status and text of /readyz. */
  async ready(): Promise<[number, string]> {
    const response = await fetch(`http://127.0.0.1:${this.healthPort}/readyz`);
    return [response.status, (await response.text()).trim()];
  }
}

/** Several managers on one API server and one Redis. */
export class Replicas {
  readonly all: Replica[] = [];
  readonly #server: TestApiServer;
  readonly #folder: string;
  readonly #env: Record<string, string>;

  private constructor(server: TestApiServer, folder: string, env: Record<string, string>) {
    this.#server = server;
    this.#folder = folder;
    this.#env = env;
  }

  static async make(server: TestApiServer, env: Record<string, string>): Promise<Replicas> {
    return new Replicas(server, await mkdtemp(join(tmpdir(), 'sysctl-operator-replicas-')), env);
  }

  async start(healthPort = 0): Promise<Replica> {
    const token = await podToken(this.#server.admin, 'node-1', 'sysctl-operator-manager');
    const name = podOf(token);
    const { kubeconfig } = await this.#server.credentials(name, token);
    const env = {
      TMPDIR: this.#folder,
      KUBECONFIG: kubeconfig,
      POD_NAMESPACE: NAMESPACE,
      POD_NAME: name,
      AGENT_IMAGE: 'none',
      METRICS_PORT: '0',
      HEALTH_PORT: String(healthPort),
      ...this.#env,
    };
    const replica = new Replica(name, healthPort, new Program('manager', this.#folder, env, name));
    this.all.push(replica);
    return replica;
  }

  /** The replica that the Lease names; undefined while it is nobody's. */
  async leader(): Promise<Replica | undefined> {
    const { body } = await this.#server.admin.call({ path: `${LEASES}/sysctl-operator` });
    const holder = (body['spec'] as { holderIdentity?: string } | undefined)?.holderIdentity;
    return this.all.find(({ name }) => name === holder);
  }

  /** Ends all of them, also those that stand still. */
  async close(): Promise<void> {
    for (const { program } of this.all) program.kill('SIGCONT');
    await Promise.all(this.all.map(({ program }) => program.stop()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  logs(): string {
    return this.all.map(({ name, program }) => `--- ${name}\n${program.log.slice(-2500)}`).join('\n');
  }
}

/** The pod that a request came from. */
export const sender = ({ user }: Audited): string | undefined =>
  user.extra?.['authentication.kubernetes.io/pod-name']?.[0];

/** Writes that only the leader makes: statuses of profiles, deletions of revisions, the DaemonSet. */
export const isLeaders = ({ verb, objectRef, responseStatus }: Audited): boolean =>
  (responseStatus?.code ?? 0) < 400 &&
  ((verb === 'patch' && objectRef?.resource === 'sysctlprofiles') ||
    (verb === 'delete' && objectRef?.resource === 'controllerrevisions') ||
    (verb === 'patch' && objectRef?.resource === 'daemonsets'));
