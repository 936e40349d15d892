import { paths, REVISION_LABEL } from '../../api/names.ts';
import type { ObjectMeta } from '../../api/meta.ts';
import type { SysctlProfile } from '../../api/profile.ts';
import type { Revision, RevisionData } from '../../api/revision.ts';
import type { KernelStatus, NodeSysctlState } from '../../api/state.ts';
import { contentTypes } from '../../kube/api-server.ts';
import type { PlanNode } from '../../plan/plan.ts';
import type { Connection } from './connect.ts';
import { listAll, wasStatus } from './lists.ts';

/** Everything that is planned from, as it is in the cluster now. */
export interface Fleet {
  profiles: SysctlProfile[];
  nodes: PlanNode[];
  states: ReadonlyMap<string, NodeSysctlState>;
  revisions: ReadonlyMap<string, RevisionData>;
  /** What could not be read, and what that means for the answer. */
  notes: string[];
}

const NOT_INSTALLED = 'this cluster does not have the operator: no profile is in force, and no node was read';
const NO_REVISIONS =
  'you may not read the revisions of the operator: what nodes have from older ones counts as not read';

const byName = <T extends { metadata: ObjectMeta }>(objects: readonly T[]): Map<string, T> =>
  new Map(objects.map((o) => [o.metadata.name, o]));

/** Other systems have no sysctls of this kind, and no agent runs there. */
const isLinux = ({ labels }: PlanNode): boolean => (labels['kubernetes.io/os'] ?? 'linux') === 'linux';

/** Nodes with what their agents found in their kernels: one copy for nodes of one kind, which the planner looks at once. */
function planNodes(
  nodes: readonly { metadata: ObjectMeta }[],
  states: ReadonlyMap<string, NodeSysctlState>,
): PlanNode[] {
  const kernels = new Map<string, KernelStatus>();
  const shared = (kernel: KernelStatus): KernelStatus => {
    const text = JSON.stringify(kernel);
    const known = kernels.get(text) ?? kernel;
    kernels.set(text, known);
    return known;
  };
  return nodes
    .map(({ metadata: { name, labels = {} } }): PlanNode => {
      const { kernel, kernelRelease } = states.get(name)?.status ?? {};
      return { name, labels, kernel: kernel && shared(kernel), kernelRelease };
    })
    .filter(isLinux);
}

/** The contents of all revisions, or a note that they may not be read. */
export async function readRevisions(
  { api, namespace }: Connection,
  notes: string[],
): Promise<Map<string, Revision>> {
  try {
    const query = { labelSelector: REVISION_LABEL };
    return byName(await listAll<Revision>(api, paths.revisions(namespace), { query }));
  } catch (error) {
    if (!wasStatus(error, 403)) throw error;
    notes.push(NO_REVISIONS);
    return new Map();
  }
}

/** Lists of everything at once. A cluster without the operator has no profiles and no states: a file can be planned there too. */
export async function readFleet(connection: Connection): Promise<Fleet> {
  const { api } = connection;
  const notes = new Set<string>();
  const ours = async <T>(path: string): Promise<T[]> => {
    try {
      return await listAll<T>(api, path);
    } catch (error) {
      if (!wasStatus(error, 404)) throw error;
      notes.add(NOT_INSTALLED);
      return [];
    }
  };
  const late: string[] = [];
  const [nodes, profiles, states, revisions] = await Promise.all([
    listAll<{ metadata: ObjectMeta }>(api, paths.nodes, { accept: contentTypes.metadataList }),
    ours<SysctlProfile>(paths.profiles),
    ours<NodeSysctlState>(paths.states),
    readRevisions(connection, late),
  ]);
  const byState = byName(states);
  return {
    profiles,
    nodes: planNodes(nodes, byState),
    states: byState,
    revisions: new Map([...revisions].map(([name, { data }]) => [name, data])),
    notes: [...notes, ...late],
  };
}
