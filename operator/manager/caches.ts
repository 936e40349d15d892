import { isDeepStrictEqual } from 'node:util';
import { AGENT_DAEMON_SET, paths, REVISION_LABEL } from '../api/names.ts';
import type { ObjectMeta } from '../api/meta.ts';
import type { SysctlProfile } from '../api/profile.ts';
import type { Revision, RevisionData } from '../api/revision.ts';
import type { NodeSysctlState } from '../api/state.ts';
import type { ApiServer } from '../kube/api-server.ts';
import { Reflector } from '../kube/reflector.ts';
import type { Log } from '../telemetry/log.ts';
import { sharedKernels } from './shared-kernels.ts';
import type { Copy } from './view.ts';

/** What the manager keeps of a Node: 0.3 KB instead of 10. */
export interface CachedNode {
  metadata: ObjectMeta;
  labels: Record<string, string>;
  /** The Node's Ready condition is True. */
  ready: boolean;
}

export interface CachedDaemonSet {
  metadata: ObjectMeta;
  status?: { desiredNumberScheduled?: number; numberReady?: number; updatedNumberScheduled?: number };
}

interface RawNode {
  metadata: ObjectMeta;
  status?: { conditions?: { type: string; status: string }[] };
}

const slimMeta = ({
  name,
  namespace,
  uid,
  resourceVersion,
  generation,
  creationTimestamp,
  deletionTimestamp,
  ownerReferences,
}: ObjectMeta): ObjectMeta =>
  JSON.parse(
    JSON.stringify({
      name,
      namespace,
      uid,
      resourceVersion,
      generation,
      creationTimestamp,
      deletionTimestamp,
      ownerReferences,
    }),
  ) as ObjectMeta;

const slimNode = (raw: RawNode | CachedNode): CachedNode =>
  'labels' in raw
    ? raw
    : {
        metadata: slimMeta(raw.metadata),
        labels: raw.metadata.labels ?? {},
        ready: raw.status?.conditions?.find((c) => c.type === 'Ready')?.status === 'True',
      };

/** managedFields can be most of an object, and nothing here reads them. */
const withoutManagedFields = <T extends { metadata: ObjectMeta }>(object: T): T => {
  const metadata: ObjectMeta & { managedFields?: unknown } = object.metadata;
  delete metadata.managedFields;
  return object;
};

/** What changed; `collection`: one is there now, perhaps empty. */
export type ChangeKind = 'profile' | 'node' | 'state' | 'revision' | 'daemonSet' | 'collection';

/** The manager's copies of everything it decides from, kept current by one reflector each. */
export class Caches {
  readonly profiles: Reflector<SysctlProfile>;
  readonly nodes: Reflector<CachedNode>;
  readonly states: Reflector<NodeSysctlState>;
  readonly revisions: Reflector<Revision>;
  readonly daemonSets: Reflector<CachedDaemonSet>;
  /** Nodes as the planner takes them; an object is replaced only when labels or readiness changed. */
  readonly planNodes = new Map<string, CachedNode>();
  /** Contents of the revisions, by name. */
  readonly contents = new Map<string, RevisionData>();
  /** Those that a decision about a node is made from. */
  readonly decidedFrom: Readonly<Record<string, Copy>>;
  readonly #all: readonly Pick<Reflector<never>, 'run' | 'synced' | 'freshSince'>[];

  constructor(
    api: ApiServer,
    namespace: string,
    log: Log,
    changed: (kind: ChangeKind, name: string) => void,
  ) {
    const notify = (kind: ChangeKind) => (name: string) => changed(kind, name);
    // An empty collection has no object whose change would tell that it is there.
    const plain = { api, log, onSynced: () => changed('collection', '') };
    this.profiles = new Reflector<SysctlProfile>({
      ...plain,
      transform: withoutManagedFields<SysctlProfile>,
      path: paths.profiles,
      onChange: notify('profile'),
    });
    const share = sharedKernels();
    this.states = new Reflector<NodeSysctlState>({
      ...plain,
      transform: (state) => share(withoutManagedFields(state)),
      path: paths.states,
      onChange: notify('state'),
    });
    this.revisions = new Reflector<Revision>({
      ...plain,
      transform: withoutManagedFields<Revision>,
      path: paths.revisions(namespace),
      query: { labelSelector: REVISION_LABEL },
      onChange: (name, revision) => {
        if (revision) this.contents.set(name, revision.data);
        else this.contents.delete(name);
        changed('revision', name);
      },
    });
    this.daemonSets = new Reflector<CachedDaemonSet>({
      ...plain,
      transform: withoutManagedFields<CachedDaemonSet>,
      path: paths.daemonSets(namespace),
      query: { fieldSelector: `metadata.name=${AGENT_DAEMON_SET}` },
      onChange: notify('daemonSet'),
    });
    this.nodes = new Reflector<CachedNode>({
      ...plain,
      path: paths.nodes,
      transform: slimNode,
      onChange: (name, node) => {
        if (this.#nodeChanged(name, node)) changed('node', name);
      },
    });
    this.decidedFrom = { profiles: this.profiles, nodes: this.nodes, states: this.states };
    this.#all = [this.profiles, this.nodes, this.states, this.revisions, this.daemonSets];
  }

  get synced(): boolean {
    return this.#all.every((reflector) => reflector.synced);
  }

  /** Resolves once everything is at least as new as the server was at `moment`, in ms of performance.now(). */
  async freshSince(moment: number, signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all.map((reflector) => reflector.freshSince(moment, signal)));
  }

  /** Follows the API server until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all.map((reflector) => reflector.run(signal)));
  }

  /** A Node is written every few seconds by its kubelet; only labels, readiness and identity matter here. */
  #nodeChanged(name: string, node: CachedNode | undefined): boolean {
    const before = this.planNodes.get(name);
    if (!node) return this.planNodes.delete(name);
    if (
      before &&
      before.metadata.uid === node.metadata.uid &&
      before.ready === node.ready &&
      isDeepStrictEqual(before.labels, node.labels)
    )
      return false;
    this.planNodes.set(name, node);
    return true;
  }
}
