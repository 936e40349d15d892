import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { TestApiServer } from '../../test/cluster/support/api-server.ts';
import { podToken } from '../../test/cluster/support/service-accounts.ts';
import { cpuOf, memoryOf } from './process-figures.ts';

const NAMESPACE = 'sysctl-operator-system';
const BUNDLE = 'dist/main.cjs';

/** What the manager has taken and asked for so far. */
export interface Figures {
  /** ms, over all processes of it. */
  cpu: number;
  /** MiB. */
  rss: number;
  writes: number;
  /** Requests by verb and resource since an earlier look, as "verb resource n, ...". */
  requestsSince: (before: Figures) => string;
  requests: ReadonlyMap<string, number>;
}

interface Deployment {
  spec: { template: { spec: { containers: { command?: string[] }[] } } };
}

/** Node's options as the manifests have them; others for a try: MANAGER_NODE_FLAGS. */
function nodeFlags(): string[] {
  const given = process.env['MANAGER_NODE_FLAGS'];
  if (given !== undefined) return given.split(' ').filter(Boolean);
  const { spec } = parse(readFileSync('manifests/base/deployment.yaml', 'utf8')) as Deployment;
  return (spec.template.spec.containers[0]?.command ?? []).filter((word) => word.startsWith('--'));
}

const READS = new Set(['get', 'list', 'watch']);

/** The bundled manager as a process, with the rights of its ServiceAccount. */
export class FleetManager {
  readonly #server: TestApiServer;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #kubeconfig = '';
  #starts = 0;
  #pastCpu = 0;

  constructor(server: TestApiServer, folder: string) {
    this.#server = server;
    this.#folder = folder;
  }

  /** Resolves once it leads. */
  async start(): Promise<void> {
    const { admin } = this.#server;
    if (!this.#kubeconfig) {
      const token = await podToken(admin, 'node-1', 'sysctl-operator-manager');
      this.#kubeconfig = (await this.#server.credentials('manager', token)).kubeconfig;
    }
    const file = join(this.#folder, `manager-${++this.#starts}.log`);
    const log = openSync(file, 'w');
    const program = [process.execPath, ...nodeFlags(), BUNDLE, 'manager'];
    // A process group of its own: killed as a whole, as a container is, with its Redis.
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', ...program], {
      detached: true,
      stdio: ['ignore', log, log],
      env: {
        PATH: process.env['PATH'],
        TMPDIR: this.#folder,
        NODE_ENV: 'production',
        KUBECONFIG: this.#kubeconfig,
        POD_NAMESPACE: NAMESPACE,
        POD_NAME: `manager-${this.#starts}`,
        AGENT_IMAGE: 'none',
        METRICS_PORT: '0',
        HEALTH_PORT: '0',
        LOG_LEVEL: 'warn',
      },
    });
    closeSync(log);
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/sysctl-operator`;
    for (;;) {
      const { body } = await admin.call({ path: leases });
      const { holderIdentity } = (body['spec'] ?? {}) as { holderIdentity?: string };
      if (holderIdentity === `manager-${this.#starts}`) return;
      if (this.#child.exitCode !== null) throw new Error(readFileSync(file, 'utf8'));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** kill -9, and another one in its place. */
  async restart(): Promise<void> {
    await this.#end('SIGKILL');
    await this.start();
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  async figures(): Promise<Figures> {
    const requests = new Map<string, number>();
    let writes = 0;
    for (const { verb, objectRef, stage } of await this.#server.audit()) {
      if (stage === 'ResponseStarted') continue;
      const resource = [objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/');
      requests.set(`${verb} ${resource}`, (requests.get(`${verb} ${resource}`) ?? 0) + 1);
      if (!READS.has(verb) && /^(nodes|nodesysctlstates)/.test(resource)) writes++;
    }
    const pid = this.#child?.exitCode === null ? this.#child.pid : undefined;
    const cpu = this.#pastCpu + (pid === undefined ? 0 : cpuOf(pid));
    const requestsSince = (before: Figures): string =>
      [...requests]
        .map(([what, count]) => [what, count - (before.requests.get(what) ?? 0)] as const)
        .filter(([, count]) => count > 0)
        .map(([what, count]) => `${what} ${count}`)
        .join(', ');
    return { cpu, rss: pid === undefined ? Number.NaN : memoryOf(pid).rss, writes, requests, requestsSince };
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    this.#pastCpu += cpuOf(child.pid ?? 0);
    const gone = once(child, 'exit');
    if (signal === 'SIGKILL' && child.pid !== undefined) process.kill(-child.pid, signal);
    else child.kill(signal);
    await gone;
  }
}
