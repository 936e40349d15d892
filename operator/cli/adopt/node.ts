import { paths } from '../../api/names.ts';
import type { ObjectMeta } from '../../api/meta.ts';
import type { Revision } from '../../api/revision.ts';
import type { NodeSysctlState } from '../../api/state.ts';
import { OperatorError } from '../../errors.ts';
import type { Connection } from '../cluster/connect.ts';
import { ask, wasStatus } from '../cluster/lists.ts';
import { fromNode, type AdoptedFromNode } from './from-node.ts';

const nothing = (message: string): OperatorError => new OperatorError('Configuration', message);
const ELSE = 'what its files say can be adopted with --from sysctl.conf';

/** A name of a profile has at most 63 characters and no dots; a node's may have both. */
export const profileNameFor = (node: string): string =>
  `adopted-${node.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`.slice(0, 63).replace(/-+$/, '');

async function read<T>(connection: Connection, path: string, missing: string): Promise<T> {
  try {
    return await ask<T>(connection.api, path);
  } catch (error) {
    throw wasStatus(error, 404) ? nothing(missing) : error;
  }
}

/** A profile out of what the operator holds on a node and what its kubelet allows. Rejects where nothing is known of the node. */
export async function adoptNode(
  connection: Connection,
  node: string,
  name = profileNameFor(node),
): Promise<AdoptedFromNode> {
  const [{ metadata }, state] = await Promise.all([
    read<{ metadata: ObjectMeta }>(
      connection,
      `${paths.nodes}/${node}`,
      `there is no node "${node}"; a file is adopted with --from FORMAT`,
    ),
    read<NodeSysctlState>(
      connection,
      `${paths.states}/${node}`,
      `no agent has read node ${node}, so nothing is known of it; ${ELSE}`,
    ),
  ]);
  const revision = state.status?.observedRevision;
  if (revision === undefined)
    throw nothing(`the agent of node ${node} has not reported yet; try again in a moment`);
  const { data } = await read<Revision>(
    connection,
    `${paths.revisions(connection.namespace)}/${revision}`,
    `revision ${revision} of node ${node} is gone, so what it holds is not known; the operator writes it again`,
  );
  const adopted = fromNode({ name: node, labels: metadata.labels ?? {}, state, observed: data }, name);
  if (adopted.profiles.length > 0) return adopted;
  throw nothing(
    `the operator holds nothing on node ${node}, and its kubelet allows no unsafe sysctl; ${ELSE}`,
  );
}
