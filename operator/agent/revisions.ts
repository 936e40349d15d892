import { join } from 'node:path';
import { paths } from '../api/names.ts';
import type { Revision, RevisionData } from '../api/revision.ts';
import { OperatorError } from '../errors.ts';
import { isStatus, type ApiServer } from '../kube/api-server.ts';
import { readIfPresent, writeDurably } from './durable-file.ts';

export interface NamedRevision {
  name: string;
  data: RevisionData;
}

/** Revisions from the API server, and the last one on the node's disk, so that a restarted agent goes on while the API server is away. */
export class Revisions {
  readonly #api: ApiServer;
  readonly #path: string;
  readonly #file: string;
  #saved = '';

  constructor(api: ApiServer, namespace: string, stateDir: string) {
    this.#api = api;
    this.#path = paths.revisions(namespace);
    this.#file = join(stateDir, 'revision.json');
  }

  /** Throws RevisionMissing when it does not exist: a missing revision is not an empty one. */
  async fetch(name: string, signal: AbortSignal): Promise<NamedRevision> {
    const path = `${this.#path}/${name}`;
    try {
      return await this.#get(name, { method: 'GET', path, query: { resourceVersion: '0' }, signal });
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
    // The API server's cache can lack a revision that was created a moment ago.
    try {
      return await this.#get(name, { method: 'GET', path, signal });
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      throw new OperatorError('RevisionMissing', `ControllerRevision ${name} does not exist: the node keeps what it has`, { cause: error });
    }
  }

  async #get(name: string, request: Parameters<ApiServer['request']>[0]): Promise<NamedRevision> {
    const { data } = await this.#api.request<Revision>(request);
    return { name, data };
  }

  /** The revision that was applied last; undefined where there is none that can be read. */
  last(): NamedRevision | undefined {
    try {
      const text = readIfPresent(this.#file);
      return text === undefined ? undefined : (JSON.parse(text) as NamedRevision);
    } catch {
      return undefined;
    }
  }

  remember(revision: NamedRevision): void {
    const text = JSON.stringify(revision);
    if (text === this.#saved) return;
    writeDurably(this.#file, text);
    this.#saved = text;
  }
}
