import { join } from 'node:path';
import { paths } from '../api/names.ts';
import type { Revision, RevisionData } from '../api/revision.ts';
import { OperatorError } from '../errors.ts';
import { isStatus, type ApiServer } from '../kube/api-server.ts';
import { durableFiles, type DurableFiles } from './durable-file.ts';
import { isText, listOf, shaped } from './shapes.ts';

export interface NamedRevision {
  name: string;
  data: RevisionData;
}

const holdsRevision = shaped({
  sysctls: listOf(shaped({ name: isText, value: isText })),
  kubelet: shaped({ allowedUnsafeSysctls: listOf(isText) }),
});
const isRevisionData = (data: unknown): data is RevisionData => holdsRevision(data);

/** Revisions from the API server, and the last one on the node's disk: a restarted agent goes on while the API server is away. */
export class Revisions {
  readonly #api: ApiServer;
  readonly #path: string;
  readonly #file: string;
  readonly #files: DurableFiles;
  #saved = '';

  constructor(api: ApiServer, namespace: string, stateDir: string, files: DurableFiles = durableFiles) {
    this.#api = api;
    this.#path = paths.revisions(namespace);
    this.#file = join(stateDir, 'revision.json');
    this.#files = files;
  }

  /** Throws RevisionMissing when it does not exist or holds nothing: a missing revision is not an empty one. */
  async fetch(name: string, signal: AbortSignal): Promise<NamedRevision> {
    const path = `${this.#path}/${name}`;
    let revision: Revision;
    try {
      // Immutable, so what the API server has in its cache is enough: no quorum read per node.
      revision = await this.#api.request({ method: 'GET', path, query: { resourceVersion: '0' }, signal });
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      // The cache can lack a revision that was created a moment ago.
      revision = await this.#read(name, path, signal);
    }
    if (isRevisionData(revision.data)) return { name, data: revision.data };
    throw new OperatorError(
      'RevisionMissing',
      `ControllerRevision ${name} does not hold a revision: the node keeps what it has`,
    );
  }

  async #read(name: string, path: string, signal: AbortSignal): Promise<Revision> {
    try {
      return await this.#api.request<Revision>({ method: 'GET', path, signal });
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      const message = `ControllerRevision ${name} does not exist: the node keeps what it has`;
      throw new OperatorError('RevisionMissing', message, { cause: error });
    }
  }

  /** The revision that was applied last; undefined where there is none that can be read. */
  last(): NamedRevision | undefined {
    try {
      const { name, data } = JSON.parse(this.#files.read(this.#file) ?? '{}') as Partial<NamedRevision>;
      return name !== undefined && isRevisionData(data) ? { name, data } : undefined;
    } catch {
      return undefined;
    }
  }

  remember(revision: NamedRevision): void {
    const text = JSON.stringify(revision);
    if (text === this.#saved) return;
    this.#files.write(this.#file, text);
    this.#saved = text;
  }
}
