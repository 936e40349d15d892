import { KubeConfig } from '@kubernetes/client-node';
import type { ObjectMeta } from '../../../operator/api/meta.ts';
import { paths, REVISION_LABEL } from '../../../operator/api/names.ts';
import type { Revision } from '../../../operator/api/revision.ts';
import type { NodeSysctlState } from '../../../operator/api/state.ts';
import { ClientNodeApiServer } from '../../../operator/kube/client-node-api-server.ts';
import { Reflector } from '../../../operator/kube/reflector.ts';
import { jsonLog } from '../../../operator/telemetry/json-log.ts';
import type { Layout } from '../../cluster/tool/layout.ts';
import { NAMESPACE } from '../../node/support/cluster.ts';
import { EtcdHistory } from './etcd-history.ts';
import { contentOfRevision, overBudget, type Seen, type Told } from './history.ts';
import type { Stretch } from './kubelet-starts.ts';
import type { Wanted } from './profiles.ts';

interface Node {
  metadata: ObjectMeta;
  status?: { conditions?: { type: string; status: string }[] };
}

/** What a revision asks for, and the profiles that it was made from. */
interface Content {
  key: string;
  profiles: string[];
}

/** Where kube-apiserver keeps the states. */
const STATES = '/registry/sysctl-operator.dev/nodesysctlstates/';

/**
 * Writes down every version of the nodes' states, and what is in every revision, from before the first to after the last. Of the states it
 * asks etcd, which leaves no version out. A revision stays for a while, so that a watch finds it, also after the API server was away.
 */
export class Recorder {
  readonly #history: Told[] = [];
  readonly #contents = new Map<string, Content>();
  readonly #api: ClientNodeApiServer;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  constructor({ kubeconfig, etcdPort }: Layout) {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    this.#api = new ClientNodeApiServer(config);
    const plain = {
      api: this.#api,
      log: jsonLog({ level: 'error' }),
      baseDelayMs: 50,
    };
    const states = new EtcdHistory({
      port: etcdPort,
      prefix: STATES,
      onVersion: (node, state) => this.#saw(node, state as NodeSysctlState | undefined),
    });
    const revisions = new Reflector<Revision>({
      ...plain,
      path: paths.revisions(NAMESPACE),
      query: { labelSelector: REVISION_LABEL },
      onChange: (name, revision) => revision && this.#sawRevision(name, revision),
    });
    const nodes = new Reflector<Node>({
      ...plain,
      path: paths.nodes,
      onChange: (node, object) => this.#sawNode(node, object),
    });
    this.#running = Promise.all([states, revisions, nodes].map((one) => one.run(this.#stop.signal)));
    // Who closes it is told.
    this.#running.catch(() => {});
  }

  /** Every version of the state of a node. */
  seen(node: string): Seen[] {
    return this.#history.flatMap((told) =>
      'state' in told && told.state && told.node === node ? [told.state] : [],
    );
  }

  /** What the node was told, one content after the other. */
  toldTo(node: string): string[] {
    return this.seen(node).map(({ told }) => this.#contents.get(told)?.key ?? `the unknown revision ${told}`);
  }

  /** Nodes that were told to start when they had to wait. */
  overBudget(maxUnavailable: number): string[] {
    return overBudget(this.#history, (name) => this.#contents.get(name)?.profiles ?? [], maxUnavailable);
  }

  /** From when a node was told another list for its kubelet to when it reported one with that list, or was told the next. */
  listChanges(node: string): Stretch[] {
    const changes: Stretch[] = [];
    let list = '[]';
    for (const { at, told, observed } of this.seen(node)) {
      const open = changes.at(-1);
      const next = this.#listOf(told);
      const done = observed !== undefined && this.#listOf(observed) === list;
      if (open?.to === Number.POSITIVE_INFINITY && (done || next !== list)) open.to = at;
      if (next !== list) changes.push({ from: at, to: Number.POSITIVE_INFINITY });
      list = next;
    }
    return changes;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#api.close();
  }

  #listOf(revision: string): string {
    const { patterns } = JSON.parse(this.#contents.get(revision)?.key ?? '{"patterns":[]}') as Wanted;
    return JSON.stringify(patterns);
  }

  #saw(node: string, state: NodeSysctlState | undefined): void {
    const at = performance.now();
    const seen = state && {
      at,
      node,
      uid: state.metadata.uid ?? '',
      told: state.spec.revision,
      observed: state.status?.observedRevision,
    };
    this.#history.push({ at, node, state: seen });
  }

  #sawRevision(name: string, { data }: Revision): void {
    const profiles = data.profiles.map((profile) => profile.name);
    this.#contents.set(name, { key: contentOfRevision(data), profiles });
  }

  #sawNode(node: string, object: Node | undefined): void {
    const ready = object?.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
    this.#history.push({ at: performance.now(), node, ready });
  }
}
