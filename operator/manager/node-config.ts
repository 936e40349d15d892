import { AGENT_LABEL, API_VERSION, FIELD_MANAGER, paths } from '../api/names.ts';
import { contentTypes, isStatus, type ApiServer } from '../kube/api-server.ts';
import type { Log } from '../telemetry/log.ts';
import type { NodeAction } from './node-actions.ts';

/** The same state object was changed by somebody since the decision was made: decide again. */
const STALE = [404, 409, 422];

async function perform(api: ApiServer, node: string, action: NodeAction, signal: AbortSignal): Promise<void> {
  const path = `${paths.states}/${node}`;
  switch (action.kind) {
    case 'createState': {
      const owner = { apiVersion: 'v1', kind: 'Node', name: node, uid: action.nodeUid };
      const body = {
        apiVersion: API_VERSION,
        kind: 'NodeSysctlState',
        metadata: { name: node, ownerReferences: [owner] },
        spec: { revision: action.revision },
      };
      await api.request({
        method: 'POST',
        path: paths.states,
        query: { fieldManager: FIELD_MANAGER },
        body,
        accept: contentTypes.metadata,
        signal,
      });
      return;
    }
    case 'setRevision': {
      // Makes an old decision fail where a newer one was already written. The revision itself would not do: it can come back (A, B, A).
      // The generation cannot: it counts changes of the spec, and only those, so an agent that writes its status is not in the way. But
      // where it has come to a revision meanwhile: a node that was on its way took no more of a budget, one that starts anew does.
      const { uid, generation, observed } = action;
      const body = [
        { op: 'test', path: '/metadata/uid', value: uid },
        { op: 'test', path: '/metadata/generation', value: generation },
        ...(observed === undefined
          ? []
          : [{ op: 'test', path: '/status/observedRevision', value: observed }]),
        { op: 'replace', path: '/spec/revision', value: action.to },
      ];
      const query = { fieldManager: FIELD_MANAGER };
      const { jsonPatch: contentType, metadata: accept } = contentTypes;
      await api.request({ method: 'PATCH', path, query, body, contentType, accept, signal });
      return;
    }
    case 'setLabels': {
      // The API server refuses it (422) for a Node that was made again under the same name.
      const body = { metadata: { uid: action.uid, labels: action.labels } };
      const query = { fieldManager: FIELD_MANAGER };
      await api.request({
        method: 'PATCH',
        path: `${paths.nodes}/${node}`,
        query,
        body,
        contentType: contentTypes.mergePatch,
        accept: contentTypes.metadata,
        signal,
      });
      return;
    }
    case 'deleteState': {
      const { uid, resourceVersion } = action;
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } };
      await api.request({ method: 'DELETE', path, body, signal });
      return;
    }
  }
}

const wasStale = (error: unknown, action: NodeAction): boolean =>
  STALE.some((status) => isStatus(error, status)) && (action.kind !== 'setLabels' || isStatus(error, 404));

/** The job `node-config`: writes what is decided for one node. An answer that says "this is no longer so" ends it quietly. */
export async function configureNode(
  api: ApiServer,
  node: string,
  actions: readonly NodeAction[],
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  for (const action of actions) {
    try {
      // eslint-disable-next-line no-await-in-loop -- the order is the safety: state before label
      await perform(api, node, action, signal);
      log.info('node changed', {
        node,
        ...action,
        ...(action.kind === 'setLabels' && { agent: action.labels[AGENT_LABEL] }),
      });
    } catch (error) {
      if (!wasStale(error, action)) throw error;
      log.debug('the decision was out of date', { node, action: action.kind, error });
      return;
    }
  }
}
