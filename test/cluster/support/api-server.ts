/**
 * A real kube-apiserver for the tests of what it judges: schemas, CEL, policies, RBAC. No controllers, no kubelet; Nodes and
 * Pods are objects made by hand.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, openSync, closeSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AUDIT_POLICY, apiServerFlags, etcdFlags, kubeconfig, type ServerFiles } from './api-server-flags.ts';
import { Client } from './client.ts';
import { makePki } from './pki.ts';

/** Start-up is given this long, because the machine may be building something else at the same time. */
const START_TIMEOUT_MS = 120_000;

export interface KubectlResult {
  code: number;
  stdout: string;
  stderr: string;
}

function binary(name: string): string {
  const folder = process.env['KUBEBUILDER_ASSETS'];
  if (!folder)
    throw new Error(
      'KUBEBUILDER_ASSETS is not set: it names the folder with etcd, kube-apiserver and kubectl',
    );
  const path = join(folder, name);
  try {
    accessSync(path, constants.X_OK);
  } catch (error) {
    throw new Error(`${name} is missing in KUBEBUILDER_ASSETS=${folder}`, { cause: error });
  }
  return path;
}

/** A port that was free a moment ago. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

/** Ends with this process even when that is killed: setpriv (util-linux) asks the kernel for it. */
function daemon(folder: string, name: string, args: string[]): ChildProcess {
  const log = openSync(join(folder, `${name}.log`), 'w');
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', binary(name), ...args], {
    stdio: ['ignore', log, log],
    cwd: folder,
  });
  closeSync(log);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

export interface Credentials {
  caFile: string;
  tokenFile: string;
  kubeconfig: string;
}

const serverFiles = (folder: string): ServerFiles => ({
  folder,
  auditPolicy: join(folder, 'audit-policy.json'),
  auditLog: join(folder, 'audit.log'),
});

/** What the API server has noted of one request. */
export interface Audited {
  verb: string;
  responseStatus?: { code?: number; message?: string };
  objectRef?: {
    apiGroup?: string;
    resource: string;
    subresource?: string;
    namespace?: string;
    name?: string;
  };
  requestURI: string;
  stage: string;
  /** RFC 3339 with microseconds. */
  requestReceivedTimestamp: string;
  user: { username: string; extra?: Record<string, string[]> };
}

/** A private etcd and kube-apiserver on loopback ports, all of it in one temporary folder. */
export class TestApiServer {
  readonly url: string;
  readonly admin: Client;
  readonly #folder: string;
  readonly #ca: string;
  readonly #children: ChildProcess[];

  private constructor(folder: string, url: string, ca: string, admin: Client, children: ChildProcess[]) {
    this.#folder = folder;
    this.url = url;
    this.#ca = ca;
    this.admin = admin;
    this.#children = children;
  }

  /** Starts both and resolves when the server is ready; throws with the end of the log when it does not become so. */
  static async start(): Promise<TestApiServer> {
    const folder = await mkdtemp(join(tmpdir(), 'sysctl-operator-api-'));
    const children: ChildProcess[] = [];
    try {
      const pki = await makePki(folder);
      const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
      const etcd = `http://127.0.0.1:${client}`;
      const files = serverFiles(folder);
      await writeFile(files.auditPolicy, AUDIT_POLICY);
      children.push(
        daemon(folder, 'etcd', etcdFlags(folder, etcd, `http://127.0.0.1:${peer}`)),
        daemon(folder, 'kube-apiserver', apiServerFlags(pki, etcd, port, files)),
      );
      const url = `https://127.0.0.1:${port}`;
      const [ca, cert, key] = await Promise.all(
        [pki.ca.cert, pki.admin.cert, pki.admin.key].map((f) => readFile(f, 'utf8')),
      );
      const admin = { cert: cert ?? '', key: key ?? '' };
      await writeFile(join(folder, 'kubeconfig'), kubeconfig(url, ca ?? '', admin), { mode: 0o600 });
      const server = new TestApiServer(folder, url, ca ?? '', new Client(url, ca ?? '', admin), children);
      await server.#ready();
      return server;
    } catch (error) {
      await Promise.all(children.map(end));
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Of the user, with a client certificate. */
  get kubeconfig(): string {
    return join(this.#folder, 'kubeconfig');
  }

  /** A client with the token of a ServiceAccount. */
  as(token: string): Client {
    return new Client(this.url, this.#ca, { token });
  }

  /** What a program needs that is this ServiceAccount: files as the kubelet mounts them, and a kubeconfig. */
  async credentials(name: string, token: string): Promise<Credentials> {
    const file = (suffix: string): string => join(this.#folder, `${name}.${suffix}`);
    const made = { caFile: file('ca.crt'), tokenFile: file('token'), kubeconfig: file('kubeconfig') };
    await writeFile(made.caFile, this.#ca);
    await writeFile(made.tokenFile, token, { mode: 0o600 });
    await writeFile(made.kubeconfig, kubeconfig(this.url, this.#ca, { token }), { mode: 0o600 });
    return made;
  }

  /** What a client of another kind needs to be the administrator: PEM texts. */
  async adminFiles(): Promise<{ ca: string; cert: string; key: string }> {
    const { users } = JSON.parse(await readFile(join(this.#folder, 'kubeconfig'), 'utf8')) as {
      users: { user: Record<string, string> }[];
    };
    const pem = (field: string): string => Buffer.from(users[0]?.user[field] ?? '', 'base64').toString();
    return { ca: this.#ca, cert: pem('client-certificate-data'), key: pem('client-key-data') };
  }

  /** All requests of ServiceAccounts so far, oldest first. A watch is noted twice: when it starts and when it ends. */
  async audit(): Promise<Audited[]> {
    const text = await readFile(serverFiles(this.#folder).auditLog, 'utf8');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Audited);
  }

  /** Runs kubectl as the user; never throws for its exit code. `more`: environment on top. */
  kubectl(args: string[], input = '', more: NodeJS.ProcessEnv = {}): Promise<KubectlResult> {
    const env = {
      ...process.env,
      KUBECONFIG: this.kubeconfig,
      KUBECACHEDIR: join(this.#folder, 'cache'),
      ...more,
    };
    return new Promise((resolve, reject) => {
      const child = execFile(
        binary('kubectl'),
        args,
        { env, maxBuffer: 64 << 20 },
        (error, stdout, stderr) => {
          if (error && typeof error.code !== 'number')
            reject(new Error('kubectl did not run', { cause: error }));
          else resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
        },
      );
      child.stdin?.end(input);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map(end));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const answer = await this.admin.call({ path: '/readyz' }).catch(() => undefined);
      if (answer?.status === 200) return;
      const ended = this.#children.find((child) => child.exitCode !== null || child.signalCode !== null);
      if (ended || performance.now() > deadline)
        throw new Error(`the API server did not start:\n${this.#logs()}`);
      await sleep(100);
    }
  }

  #logs(): string {
    const tail = (name: string): string =>
      readFileSync(join(this.#folder, `${name}.log`), 'utf8').slice(-1500);
    return ['etcd', 'kube-apiserver'].map((name) => `--- ${name}\n${tail(name)}`).join('\n');
  }
}
