import { GROUP, paths } from '../../../operator/api/names.ts';
import type { SysctlProfile } from '../../../operator/api/profile.ts';
import type { RevisionData } from '../../../operator/api/revision.ts';
import type { NodeSysctlState } from '../../../operator/api/state.ts';
import type { Terminal } from '../../../operator/cli/command.ts';
import type { Connect } from '../../../operator/cli/cluster/connect.ts';
import { ApiError, type ApiRequest, type ApiServer } from '../../../operator/kube/api-server.ts';
import type { PlanNode } from '../../../operator/plan/plan.ts';

export const NAMESPACE = 'sysctl-operator-system';
export const PODS = '/api/v1/pods';

interface Item {
  metadata: { name: string };
}

export interface ClusterDraft {
  nodes?: readonly PlanNode[];
  profiles?: readonly SysctlProfile[];
  states?: readonly NodeSysctlState[];
  revisions?: ReadonlyMap<string, RevisionData>;
  pods?: readonly { name: string; node: string; sysctls: readonly string[] }[];
  /** Answers of this status for these collections. */
  refused?: Readonly<Record<string, number>>;
}

/** An API server that lists and gets what it was given, in pages, and notes every request. */
export class MemoryApi implements ApiServer {
  readonly requests: ApiRequest[] = [];
  readonly #collections: Record<string, readonly Item[]>;
  readonly #refused: Readonly<Record<string, number>>;

  constructor(draft: ClusterDraft) {
    const { nodes = [], profiles = [], states = [], revisions = new Map(), pods = [], refused = {} } = draft;
    this.#refused = refused;
    this.#collections = {
      [paths.nodes]: nodes.map(({ name, labels }) => ({ metadata: { name, labels } })),
      [paths.profiles]: profiles,
      [paths.states]: states,
      [paths.revisions(NAMESPACE)]: [...revisions].map(([name, data]) => ({ metadata: { name }, data })),
      [PODS]: pods.map((p) => ({
        metadata: { name: p.name, namespace: 'shop' },
        spec: { nodeName: p.node, securityContext: { sysctls: p.sysctls.map((name) => ({ name })) } },
      })),
    };
  }

  request<T>(request: ApiRequest): Promise<T> {
    this.requests.push(request);
    const { path, query } = request;
    const status = this.#refused[path];
    if (status) return Promise.reject(new ApiError(request, status, { message: `no ${path}` }));
    const list = this.#collections[path];
    if (list) return Promise.resolve(page(list, query) as T);
    const cut = path.lastIndexOf('/');
    const item = this.#collections[path.slice(0, cut)]?.find((i) => i.metadata.name === path.slice(cut + 1));
    return item
      ? Promise.resolve(item as T)
      : Promise.reject(new ApiError(request, 404, { reason: 'NotFound' }));
  }

  // eslint-disable-next-line require-yield
  async *watch<T>(): AsyncIterable<T> {
    throw new Error(`${GROUP} is not watched here`);
  }

  readonly connect: Connect = () => Promise.resolve({ api: this, namespace: NAMESPACE });
}

function page(list: readonly Item[], query: Record<string, string> = {}): unknown {
  const from = Number(query['continue'] ?? 0);
  const to = from + Number(query['limit'] ?? list.length);
  return { items: list.slice(from, to), metadata: to < list.length ? { continue: String(to) } : {} };
}

/** A terminal that keeps what is printed; files are given by name. */
export class MemoryTerminal implements Terminal {
  readonly colour = false;
  readonly columns = 100;
  out = '';
  err = '';
  readonly #files: Readonly<Record<string, string>>;

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.#files = files;
  }

  readonly print = (text: string): void => void (this.out += text);
  readonly complain = (text: string): void => void (this.err += text);
  readonly read = (file: string): string => this.#files[file] ?? '';
}
