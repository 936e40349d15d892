import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { AGENT_FIELD_MANAGER, API_VERSION, paths } from '../../operator/api/names.ts';
import type { NodeSysctlState, NodeSysctlStateStatus } from '../../operator/api/state.ts';
import { contentTypes } from '../../operator/kube/api-server.ts';

export interface FleetAgentsOptions {
  url: string;
  ca: string;
  cert: string;
  key: string;
  /** Namespace of the revisions. */
  namespace: string;
  /** Sysctls that each node holds an original of. */
  sysctls: number;
}

/** Fewer than the API server lets into one connection. */
const STREAMS = 90;
const WRITERS = 4;

/**
 * Plays the agents of many nodes in one process, as the API server sees them: a watch each, and for each new revision one GET of it and
 * one status. What real ones do on their nodes meanwhile takes them a few milliseconds each, side by side.
 */
export class FleetAgents {
  readonly #o: FleetAgentsOptions;
  readonly #sessions: ClientHttp2Session[] = [];
  readonly #writers: ClientHttp2Session[] = [];
  readonly #observed = new Map<string, string>();
  readonly #originals: Record<string, string>;
  #turn = 0;
  #closed = false;
  /** Statuses that were written. */
  writes = 0;

  constructor(options: FleetAgentsOptions) {
    this.#o = options;
    this.#originals = Object.fromEntries(
      Array.from({ length: options.sysctls }, (_, i) => [`net.core.key_${i}`, '128']),
    );
  }

  /** Opens the watches; resolves when the API server has answered all of them. */
  async watch(names: readonly string[], resourceVersion: string): Promise<void> {
    await Promise.all(names.map((name, i) => this.#watch(name, resourceVersion, Math.floor(i / STREAMS))));
  }

  /** Nodes whose status says this revision. */
  having(revision: string): number {
    return [...this.#observed.values()].filter((observed) => observed === revision).length;
  }

  close(): void {
    this.#closed = true;
    for (const session of [...this.#sessions, ...this.#writers]) session.destroy();
  }

  #connect(): ClientHttp2Session {
    const { url, ca, cert, key } = this.#o;
    const session = connect(url, { ca, cert, key });
    session.setMaxListeners(0);
    session.on('error', (error) => {
      if (!this.#closed) throw error;
    });
    return session;
  }

  #watch(name: string, resourceVersion: string, index: number): Promise<void> {
    const session = (this.#sessions[index] ??= this.#connect());
    const query = new URLSearchParams({
      watch: 'true',
      fieldSelector: `metadata.name=${name}`,
      resourceVersion,
      timeoutSeconds: '3600',
    });
    const stream = session.request({ ':path': `${paths.states}?${query.toString()}` });
    stream.setEncoding('utf8');
    let rest = '';
    stream.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line) this.#event(line);
    });
    return new Promise((resolve, reject) => {
      stream.once('response', (headers) =>
        headers[':status'] === 200 ? resolve() : reject(new Error(`watch: ${headers[':status']}`)),
      );
      stream.once('error', (error) => {
        if (!this.#closed) reject(error);
      });
    });
  }

  #event(line: string): void {
    const { type, object } = JSON.parse(line) as { type: string; object: NodeSysctlState };
    const { name } = object.metadata;
    if (type === 'DELETED') this.#observed.delete(name);
    else if (object.spec.revision !== this.#observed.get(name)) this.#converge(name, object);
  }

  #converge(name: string, { spec, metadata }: NodeSysctlState): void {
    this.#observed.set(name, spec.revision);
    const done = async (): Promise<void> => {
      const revisions = paths.revisions(this.#o.namespace);
      await this.#request('GET', `${revisions}/${spec.revision}?resourceVersion=0`).catch(() =>
        this.#request('GET', `${revisions}/${spec.revision}`),
      );
      const status = this.#status(spec.revision, metadata.generation ?? 1);
      const body = { apiVersion: API_VERSION, kind: 'NodeSysctlState', metadata: { name }, status };
      const query = `fieldManager=${AGENT_FIELD_MANAGER}&force=true`;
      await this.#request('PATCH', `${paths.states}/${name}/status?${query}`, body);
      this.writes++;
    };
    done().catch((error: unknown) => {
      if (!this.#closed) process.emitWarning(error instanceof Error ? error : String(error));
    });
  }

  #status(observedRevision: string, generation: number): NodeSysctlStateStatus {
    return {
      observedRevision,
      bootID: '00000000-0000-0000-0000-000000000000',
      kernelRelease: '6.18.0',
      kernel: { digest: 'c0ffee' },
      sysctls: { inSync: this.#o.sysctls, drifted: 0, failed: 0, unsupported: 0, foreign: 0 },
      deviations: [],
      originals: this.#originals,
      kubelet: { state: 'Unmanaged' },
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'AllInSync',
          message: `${this.#o.sysctls} sysctls are as wanted`,
          observedGeneration: generation,
          lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        },
      ],
    };
  }

  #request(method: string, path: string, body?: object): Promise<void> {
    const turn = this.#turn++ % WRITERS;
    // The API server ends connections that were idle for 90 s.
    let writer = this.#writers[turn];
    if (!writer || writer.closed || writer.destroyed) this.#writers[turn] = writer = this.#connect();
    const stream: ClientHttp2Stream = writer.request({
      ':method': method,
      ':path': path,
      ...(body && { 'content-type': contentTypes.apply, accept: contentTypes.metadata }),
    });
    stream.resume();
    stream.end(body ? JSON.stringify(body) : undefined);
    return new Promise((resolve, reject) => {
      let status = 0;
      stream.once('response', (headers) => (status = Number(headers[':status'])));
      stream.once('error', reject);
      stream.once('end', () =>
        status < 400 ? resolve() : reject(new Error(`${method} ${path}: ${status}`)),
      );
    });
  }
}
