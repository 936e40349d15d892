import { describe, expect, test } from '@jest/globals';
import { configureNode } from '../../operator/manager/node-config.ts';
import type { NodeAction } from '../../operator/manager/node-actions.ts';
import { apiError, recordingLog, StubApiServer } from './support/agent-fakes.ts';

const createState: NodeAction = { kind: 'createState', revision: 'r1', nodeUid: 'uid-a' };
const setRevision: NodeAction = { kind: 'setRevision', from: 'r1', to: 'r2', uid: 'u', generation: 3 };
const setLabels: NodeAction = { kind: 'setLabels', labels: { x: 'true', y: null }, uid: 'uid-a' };
const deleteState: NodeAction = { kind: 'deleteState', uid: 'u', resourceVersion: '7' };
const STATES = '/apis/sysctl-operator.dev/v1alpha1/nodesysctlstates';

const run = (api: StubApiServer, ...actions: NodeAction[]) =>
  configureNode(api, 'a', actions, recordingLog(), new AbortController().signal);
const refusing = (status: number): StubApiServer => {
  const api = new StubApiServer();
  api.answer = () => {
    throw apiError(status);
  };
  return api;
};

describe('the job of one node', () => {
  test('makes a state that goes with its Node', async () => {
    const api = new StubApiServer();
    await run(api, createState);
    expect(api.requests).toMatchObject([
      {
        method: 'POST',
        path: STATES,
        body: {
          metadata: { name: 'a', ownerReferences: [{ kind: 'Node', name: 'a', uid: 'uid-a' }] },
          spec: { revision: 'r1' },
        },
      },
    ]);
  });

  test('changes a revision only where the state is the one that the decision saw', async () => {
    const api = new StubApiServer();
    await run(api, setRevision);
    expect(api.requests).toMatchObject([
      {
        method: 'PATCH',
        path: `${STATES}/a`,
        contentType: 'application/json-patch+json',
        body: [
          { op: 'test', path: '/metadata/uid', value: 'u' },
          { op: 'test', path: '/metadata/generation', value: 3 },
          { op: 'replace', path: '/spec/revision', value: 'r2' },
        ],
      },
    ]);
  });

  test('changes labels of the very Node that the decision saw, and nothing else of it', async () => {
    const api = new StubApiServer();
    await run(api, setLabels);
    expect(api.requests[0]).toMatchObject({ method: 'PATCH', path: '/api/v1/nodes/a' });
    expect(api.requests[0]?.body).toEqual({ metadata: { uid: 'uid-a', labels: { x: 'true', y: null } } });
  });

  test('deletes the very state that the decision saw', async () => {
    const api = new StubApiServer();
    await run(api, deleteState);
    expect(api.requests).toMatchObject([
      {
        method: 'DELETE',
        path: `${STATES}/a`,
        body: { preconditions: { uid: 'u', resourceVersion: '7' } },
      },
    ]);
  });

  test('writes in the order of the decision', async () => {
    const api = new StubApiServer();
    await run(api, createState, setLabels);
    expect(api.requests.map((r) => r.path)).toEqual([STATES, '/api/v1/nodes/a']);
  });

  test.each<[number, NodeAction]>([
    [409, createState],
    [409, setRevision],
    [422, setRevision],
    [404, setRevision],
    [404, deleteState],
    [409, deleteState],
    [404, setLabels],
  ])('ends quietly on %i, which says that the decision is out of date: %j', async (status, action) => {
    const api = refusing(status);
    await expect(run(api, action, setLabels)).resolves.toBeUndefined();
    expect(api.requests).toHaveLength(1);
  });

  test.each<[number, NodeAction]>([
    [403, setRevision],
    [500, createState],
    [429, deleteState],
    [422, setLabels],
    [409, setLabels],
  ])('is tried again after %i: %j', async (status, action) => {
    const api = refusing(status);
    await expect(run(api, action, createState)).rejects.toMatchObject({ status });
    expect(api.requests).toHaveLength(1);
  });
});
