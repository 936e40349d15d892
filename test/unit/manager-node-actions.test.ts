import { describe, expect, test } from '@jest/globals';
import { AGENT_LABEL, PROFILE_LABEL_PREFIX } from '../../operator/api/names.ts';
import type { KubeletState } from '../../operator/api/state.ts';
import { nodeActions, type NodeAction, type NodeActionInput } from '../../operator/manager/node-actions.ts';
import type { Verdict } from '../../operator/manager/readiness.ts';
import { cachedNode, nodeState } from './support/manager-fakes.ts';

const AGENT = { [AGENT_LABEL]: 'true' };
const READY = { [`${PROFILE_LABEL_PREFIX}search`]: 'ready' };
const actions = (more: Partial<NodeActionInput>): NodeAction[] =>
  nodeActions({
    node: cachedNode('a'),
    state: undefined,
    wanted: 'r1',
    empty: 'r0',
    mayStart: true,
    verdicts: new Map(),
    ...more,
  });
const kinds = (more: Partial<NodeActionInput>): string[] => actions(more).map((a) => a.kind);
const labels = (more: Partial<NodeActionInput>): Record<string, string | null> =>
  actions(more).flatMap((a) => (a.kind === 'setLabels' ? [a.labels] : []))[0] ?? {};

describe('a node that a profile matches', () => {
  test('gets its state before the agent that reads it', () => {
    expect(actions({})).toEqual([
      { kind: 'createState', revision: 'r1', nodeUid: 'uid-a' },
      { kind: 'setLabels', labels: AGENT, uid: 'uid-a' },
    ]);
  });

  test('gets neither before the rollout lets it', () => {
    expect(kinds({ mayStart: false })).toEqual([]);
  });

  test('goes from the revision that was seen to the wanted one', () => {
    const has = { node: cachedNode('a', AGENT), state: nodeState('a', { revision: 'old' }) };
    expect(actions(has)).toEqual([
      { kind: 'setRevision', from: 'old', to: 'r1', uid: 'state-a', generation: 3, observed: 'old' },
    ]);
    expect(kinds({ ...has, mayStart: false })).toEqual([]);
  });

  test('needs no write where it has what is wanted', () => {
    expect(kinds({ node: cachedNode('a', AGENT), state: nodeState('a', { revision: 'r1' }) })).toEqual([]);
  });

  test.each([[{}], [{ [AGENT_LABEL]: 'false' }]])(
    'gets its agent label back where somebody changed the labels to %j, also while it must wait',
    (labelsNow) => {
      const node = cachedNode('a', labelsNow);
      expect(labels({ node, state: nodeState('a', { revision: 'old' }), mayStart: false })).toEqual(AGENT);
    },
  );

  test('gets its state again where somebody deleted it', () => {
    expect(kinds({ node: cachedNode('a', AGENT) })).toEqual(['createState']);
  });
});

describe('the label that pods select by', () => {
  test.each<[Verdict, Record<string, string>, Record<string, string | null>]>([
    ['ready', {}, READY],
    ['ready', READY, {}],
    ['pending', {}, {}],
    ['pending', READY, {}],
    ['drifted', READY, {}],
    ['drifted', {}, {}],
    ['unavailable', READY, {}],
    ['unavailable', {}, {}],
    ['failed', {}, {}],
    ['failed', READY, { [`${PROFILE_LABEL_PREFIX}search`]: null }],
  ])('of a node that is %s and has %j changes by %j', (verdict, has, change) => {
    const node = cachedNode('a', { ...AGENT, ...has });
    const state = nodeState('a', { revision: 'r1' });
    expect(labels({ node, state, verdicts: new Map([['search', verdict]]) })).toEqual(change);
  });

  test('goes with the profile, also from a node that has nothing else of the operator', () => {
    const gone = { [`${PROFILE_LABEL_PREFIX}search`]: null };
    const verdicts = new Map<string, Verdict>([['web', 'pending']]);
    const node = cachedNode('a', { ...AGENT, ...READY, other: 'x' });
    expect(labels({ node, state: nodeState('a', { revision: 'r1' }), verdicts })).toEqual(gone);
    expect(actions({ node: cachedNode('a', READY), wanted: undefined, mayStart: false })).toEqual([
      { kind: 'setLabels', labels: gone, uid: 'uid-a' },
    ]);
  });
});

describe('a node that no profile matches any more', () => {
  const leaving = { node: cachedNode('a', AGENT), wanted: undefined };
  const back = { revision: 'r0', originals: {}, kubelet: { state: 'Unmanaged' as KubeletState } };

  test('is told the empty revision once the rollout lets it', () => {
    const state = nodeState('a', { revision: 'r1' });
    expect(actions({ ...leaving, state })).toEqual([
      { kind: 'setRevision', from: 'r1', to: 'r0', uid: 'state-a', generation: 3, observed: 'r1' },
    ]);
    expect(kinds({ ...leaving, state, mayStart: false })).toEqual([]);
  });

  test.each<[string, Parameters<typeof nodeState>[1]]>([
    ['has not observed the empty revision', { ...back, observedRevision: 'r1' }],
    ['was told something else since', { ...back, revision: 'r1', observedRevision: 'r0' }],
    ['is not Ready', { ...back, notReady: 'SysctlFailed' }],
    ['holds an original value', { ...back, originals: { 'vm.swappiness': '60' } }],
    ['holds an entry of the kubelet', { ...back, kubelet: { state: 'Held' } }],
    ['restarts the kubelet', { ...back, kubelet: { state: 'Pending' } }],
    ['has said nothing', { ...back, observedRevision: '', conditions: [] }],
  ])('keeps its agent while that %s', (_, draft) => {
    expect(kinds({ ...leaving, state: nodeState('a', draft), mayStart: false })).toEqual([]);
  });

  // Nothing of ours is in a kubelet that we cannot configure (docs/architecture.md, "Managed nodes").
  test('is given back also where its kubelet cannot be configured by us', () => {
    const state = nodeState('a', { ...back, kubelet: { state: 'Unsupported' } });
    expect(kinds({ ...leaving, state })).toEqual(['setLabels']);
  });

  test('loses its agent first and its state after that', () => {
    const state = nodeState('a', back);
    expect(actions({ ...leaving, state })).toEqual([
      { kind: 'setLabels', labels: { [AGENT_LABEL]: null }, uid: 'uid-a' },
    ]);
    expect(actions({ ...leaving, node: cachedNode('a'), state })).toEqual([
      { kind: 'deleteState', uid: 'state-a', resourceVersion: '7' },
    ]);
    expect(kinds({ ...leaving, node: cachedNode('a') })).toEqual([]);
  });

  test('gets its agent back where the label went before everything was put back', () => {
    const state = nodeState('a', { ...back, originals: { 'vm.swappiness': '60' } });
    expect(labels({ ...leaving, node: cachedNode('a'), state, mayStart: false })).toEqual(AGENT);
  });

  test('is asked to put everything back where only its agent label is left', () => {
    expect(actions(leaving)).toEqual([{ kind: 'createState', revision: 'r0', nodeUid: 'uid-a' }]);
  });

  test('stays where a profile matches it again before it was given back', () => {
    expect(actions({ node: cachedNode('a', AGENT), state: nodeState('a', back) })).toEqual([
      { kind: 'setRevision', from: 'r0', to: 'r1', uid: 'state-a', generation: 3, observed: 'r0' },
    ]);
  });
});
