/** What the API server makes of a decision about a node that is out of date: the very requests of the manager, under its own rights. */
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { paths } from '../../operator/api/names.ts';
import type { NodeSysctlState } from '../../operator/api/state.ts';
import { ClientNodeApiServer } from '../../operator/kube/client-node-api-server.ts';
import { configureNode } from '../../operator/manager/node-config.ts';
import type { NodeAction } from '../../operator/manager/node-actions.ts';
import { patch, post, state, STATES } from './support/calls.ts';
import { operatorScene, type Scene } from './support/scene.ts';
import { createNode, podToken } from './support/service-accounts.ts';

let scene: Scene;
let api: ClientNodeApiServer;
const outcomes: string[] = [];

beforeAll(async () => {
  scene = await operatorScene();
  const token = await podToken(scene.server.admin, 'node-1', 'sysctl-operator-manager');
  const config = new KubeConfig();
  config.loadFromFile((await scene.server.credentials('manager', token)).kubeconfig);
  api = new ClientNodeApiServer(config, (method, _path, status) => outcomes.push(`${method} ${status}`));
}, 300_000);
afterAll(async () => {
  api?.close();
  await scene?.server.close();
});

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => log };
const perform = (action: NodeAction): Promise<void> =>
  configureNode(api, 'node-9', [action], log, AbortSignal.timeout(10_000));
const read = async (): Promise<NodeSysctlState> =>
  (await scene.server.admin.must({ path: `${STATES}/node-9` })) as unknown as NodeSysctlState;
const setRevision = ({ metadata, status }: NodeSysctlState, from: string, to: string): NodeAction => ({
  kind: 'setRevision',
  from,
  to,
  uid: metadata.uid ?? '',
  generation: metadata.generation ?? 0,
  ...(status?.observedRevision !== undefined && { observed: status.observedRevision }),
});

const observe = (observedRevision: string): Promise<unknown> =>
  scene.server.admin.must(patch(`${STATES}/node-9/status`, { status: { observedRevision } }));

beforeEach(async () => {
  const { admin } = scene.server;
  await admin.call({ method: 'DELETE', path: `${STATES}/node-9` });
  await admin.call({ method: 'DELETE', path: `${paths.nodes}/node-9` });
  await createNode(admin, 'node-9');
  await admin.must(post(STATES, state('node-9')));
  outcomes.length = 0;
});

describe('a decision about the revision of a node', () => {
  test('is written where nothing has changed but the status', async () => {
    const seen = await read();
    await scene.server.admin.must(patch(`${STATES}/node-9/status`, { status: { bootID: 'b' } }));
    await perform(setRevision(seen, 'r1', 'r2'));
    expect(outcomes).toEqual(['PATCH 200']);
    expect((await read()).spec.revision).toBe('r2');
  });

  test('is not written where the agent has come to another revision meanwhile', async () => {
    await observe('r0');
    const seen = await read();
    await observe('r1');
    await perform(setRevision(seen, 'r1', 'r2'));
    expect(outcomes).toEqual(['PATCH 422']);
    expect((await read()).spec.revision).toBe('r1');
    await perform(setRevision(await read(), 'r1', 'r2'));
    expect((await read()).spec.revision).toBe('r2');
  });

  test('is not written after the revision went away and came back', async () => {
    const seen = await read();
    for (const revision of ['r2', 'r1'])
      await scene.server.admin.must(patch(`${STATES}/node-9`, { spec: { revision } }));
    expect((await read()).spec).toEqual(seen.spec);
    await perform(setRevision(seen, 'r1', 'old'));
    expect(outcomes).toEqual(['PATCH 422']);
    expect((await read()).spec.revision).toBe('r1');
  });

  test('is not written to a state that was made again', async () => {
    const seen = await read();
    await scene.server.admin.must({ method: 'DELETE', path: `${STATES}/node-9` });
    await scene.server.admin.must(post(STATES, state('node-9')));
    expect((await read()).metadata.generation).toBe(seen.metadata.generation);
    await perform(setRevision(seen, 'r1', 'old'));
    expect(outcomes).toEqual(['PATCH 422']);
    expect((await read()).spec.revision).toBe('r1');
  });

  test('does not make a state that is there, nor delete one that has changed', async () => {
    const seen = await read();
    await perform({ kind: 'createState', revision: 'old', nodeUid: 'any' });
    await scene.server.admin.must(patch(`${STATES}/node-9`, { spec: { revision: 'r2' } }));
    const { uid = '', resourceVersion = '' } = seen.metadata;
    await perform({ kind: 'deleteState', uid, resourceVersion });
    expect(outcomes).toEqual(['POST 409', 'DELETE 409']);
    expect((await read()).spec.revision).toBe('r2');
  });
});

test('labels that were decided for a Node are not given to another one of the same name', async () => {
  const { admin } = scene.server;
  const label = 'profile.sysctl-operator.dev/search';
  const uidOf = async (): Promise<string> => {
    const { metadata } = (await admin.must({ path: `${paths.nodes}/node-9` })) as {
      metadata: { uid: string };
    };
    return metadata.uid;
  };
  const uid = await uidOf();
  const setLabels = (of: string): NodeAction => ({
    kind: 'setLabels',
    uid: of,
    labels: { [label]: 'ready' },
  });
  await admin.must({ method: 'DELETE', path: `${paths.nodes}/node-9` });
  await createNode(admin, 'node-9');
  await expect(perform(setLabels(uid))).rejects.toMatchObject({ status: 422, terminal: true });
  await perform(setLabels(await uidOf()));
  expect(outcomes).toEqual(['PATCH 422', 'PATCH 200']);
});
