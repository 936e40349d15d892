import { describe, expect, test } from '@jest/globals';
import { AGENT_LABEL } from '../../operator/api/names.ts';
import { cachedNode, MemoryCluster } from './support/manager-fakes.ts';
import { profile, sysctl, type ProfileDraft } from './support/profiles.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const search = (more: ProfileDraft = {}) =>
  profile('search', { sysctls: [sysctl('vm.max_map_count=262144')], ...more });
const cluster = (more: ProfileDraft = {}): MemoryCluster => {
  const result = new MemoryCluster(NAMES.map((name) => cachedNode(name)));
  result.set(search(more));
  return result;
};
const settle = (c: MemoryCluster): void => {
  for (let i = 0; i < 30; i++) {
    c.reconcile();
    c.agents();
  }
  c.reconcile();
};
const settled = (more: ProfileDraft = {}): MemoryCluster => {
  const c = cluster(more);
  settle(c);
  c.writes.length = 0;
  return c;
};
const revisions = (c: MemoryCluster): number =>
  new Set([...c.states.values()].map((s) => s.spec.revision)).size;

describe('from profile to node', () => {
  test('nodes get their state and agent one after the other, then their label', () => {
    const c = cluster();
    c.reconcile();
    c.reconcile();
    expect(c.writes).toEqual(['a createState', 'a setLabels']);
    c.agents();
    c.reconcile();
    expect(c.labelled('search')).toEqual(['a']);
    expect([...c.states.keys()]).toEqual(['a', 'b']);
    settle(c);
    expect(c.labelled('search')).toEqual(NAMES);
  });

  test('nothing is written once everything is as wanted', () => {
    const c = settled();
    expect(c.reconcile().actions.size).toBe(0);
    expect(c.writes).toEqual([]);
  });

  test('an edit that goes well changes no Node, only states', () => {
    const c = settled({ rollout: { maxUnavailable: 2 } });
    c.set(
      search({ generation: 2, sysctls: [sysctl('vm.max_map_count=300000')], rollout: { maxUnavailable: 2 } }),
    );
    settle(c);
    expect(c.writes).toEqual(NAMES.map((name) => `${name} setRevision`));
    expect(c.labelled('search')).toEqual(NAMES);
    expect(revisions(c)).toBe(1);
  });

  test('a paused profile keeps what is on the nodes and changes no more', () => {
    const c = settled();
    c.set(search({ generation: 2, sysctls: [sysctl('vm.max_map_count=1')], rollout: { paused: true } }));
    settle(c);
    expect(c.writes).toEqual([]);
    expect(c.decide().rollout.waiting.get('a')).toContain('paused');
  });

  test('a failed node loses its label and holds back the others', () => {
    const c = settled();
    c.set(search({ generation: 2, sysctls: [sysctl('vm.max_map_count=1')] }));
    c.reconcile();
    const deviations = [{ name: 'vm.max_map_count', state: 'Failed' as const }];
    c.agent('a', { notReady: 'SysctlFailed', deviations });
    for (let i = 0; i < 5; i++) c.reconcile();
    expect(c.writes).toEqual(['a setRevision', 'a setLabels']);
    expect(c.labelled('search')).toEqual(['b', 'c', 'd', 'e']);
    expect(c.decide().rollout.stalled.get('search')?.node).toBe('a');
  });

  test('mode Plan touches nothing', () => {
    const c = cluster({ mode: 'Plan' });
    const decision = c.reconcile();
    expect(c.writes).toEqual([]);
    expect(decision.plan.profiles.get('search')?.matched).toEqual(NAMES);
    expect(decision.tallies.get('search')).toBeUndefined();
  });

  test('a node whose agent is not in the list yet counts as mid-change', () => {
    const c = cluster();
    const wanted = c.decide().plan.wanted.get('a') ?? '';
    c.started.set('a', wanted);
    const { rollout, actions } = c.decide();
    expect(rollout.start).toEqual(['a']);
    expect(rollout.waiting.get('b')).toContain('maxUnavailable is reached');
    // Its job may have been lost with Redis: it is still to be done.
    expect([...actions.keys()]).toEqual(['a']);
  });

  test('a node that was told an older revision a moment ago is told the newest one', () => {
    const c = settled();
    c.set(search({ generation: 2, sysctls: [sysctl('vm.max_map_count=1')] }));
    c.started.set('a', c.decide().plan.wanted.get('a') ?? '');
    c.set(search({ generation: 3, sysctls: [sysctl('vm.max_map_count=2')] }));
    const decision = c.decide();
    expect(decision.actions.get('a')).toMatchObject([
      { kind: 'setRevision', to: decision.plan.wanted.get('a') },
    ]);
    expect([...decision.actions.keys()]).toEqual(['a']);
  });

  test('a Node that is not Ready is no proof and takes from the budget', () => {
    const c = settled();
    c.nodes.set('b', cachedNode('b', c.labels('b'), false));
    c.set(search({ generation: 2, sysctls: [sysctl('vm.max_map_count=1')] }));
    const { rollout, tallies } = c.decide();
    expect(rollout.start).toEqual(['b']);
    expect(tallies.get('search')?.get('b')?.verdict).toBe('pending');
    expect(rollout.waiting.get('a')).toContain('maxUnavailable is reached');
  });
});

describe('from node back to nobody', () => {
  test('a deleted profile leaves no label, no agent and no state', () => {
    const c = settled();
    c.profiles.clear();
    settle(c);
    expect(NAMES.map((name) => c.labels(name))).toEqual(NAMES.map(() => ({})));
    expect(c.states.size).toBe(0);
    expect(c.writes.filter((w) => w.startsWith('a '))).toEqual([
      'a setRevision',
      'a setLabels',
      'a setLabels',
      'a deleteState',
    ]);
  });

  test('a node that leaves a profile keeps what another one wants', () => {
    const c = settled();
    c.set(profile('web', { age: 2, sysctls: [sysctl('vm.swappiness=1')] }));
    settle(c);
    c.set(search({ generation: 2, nodeSelector: { matchLabels: { role: 'search' } } }));
    settle(c);
    expect(c.labelled('web')).toEqual(NAMES);
    expect(c.labelled('search')).toEqual([]);
    expect(c.labels('a')[AGENT_LABEL]).toBe('true');
    expect(revisions(c)).toBe(1);
  });

  test('nodes that leave a profile keep to its maxUnavailable', () => {
    const c = settled({ rollout: { maxUnavailable: 2 } });
    c.set(
      search({
        generation: 2,
        nodeSelector: { matchLabels: { role: 'none' } },
        rollout: { maxUnavailable: 2 },
      }),
    );
    expect(c.decide().rollout.start).toEqual(['a', 'b']);
  });

  test('a label that was left on a node, of a profile that nobody remembers, is taken away', () => {
    const c = new MemoryCluster([cachedNode('a', { 'profile.sysctl-operator.dev/gone': 'ready', own: 'x' })]);
    settle(c);
    expect(c.labels('a')).toEqual({ own: 'x' });
    expect(c.writes).toEqual(['a setLabels']);
  });

  test('originals that could not be put back keep the agent where it is', () => {
    const c = settled();
    c.profiles.clear();
    c.reconcile();
    for (let i = 0; i < 5; i++) {
      c.agent('a', { originals: { 'vm.max_map_count': '65530' } });
      c.reconcile();
    }
    expect(c.labels('a')[AGENT_LABEL]).toBe('true');
    expect(c.states.has('a')).toBe(true);
  });
});
