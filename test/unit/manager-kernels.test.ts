import { describe, expect, test } from '@jest/globals';
import type { KernelStatus } from '../../operator/api/state.ts';
import { judge } from '../../operator/manager/readiness.ts';
import { cachedNode, MemoryCluster, nodeState } from './support/manager-fakes.ts';
import { composed, profile, sysctl } from './support/profiles.ts';

const NAME = 'net.ipv4.vs.conntrack';
const LACKING: KernelStatus = { digest: 'd', differences: { missing: ['net.ipv4.vs.*'] } };

/** Two nodes, of which b lacks the sysctl; agents do and report what an agent does. */
function settled(optional: boolean): MemoryCluster {
  const cluster = new MemoryCluster(['a', 'b'].map((name) => cachedNode(name)));
  const sysctls = [sysctl(`${NAME}=1`, { optional })];
  cluster.set(profile('vs', { sysctls, rollout: { maxUnavailable: 2 } }));
  for (let i = 0; i < 10; i++) {
    cluster.reconcile();
    cluster.agent('a', { kernel: { digest: 'c' } });
    const data = cluster.revisions.get(cluster.states.get('b')?.spec.revision ?? '');
    const allowed = (data?.kubelet.allowedUnsafeSysctls ?? []).filter((name) => name !== NAME);
    const failed = data?.unsupported?.some((u) => !u.optional);
    cluster.agent('b', {
      kernel: LACKING,
      kubelet: { state: 'Synced', allowedUnsafeSysctls: allowed },
      deviations: [{ name: NAME, state: 'Unsupported', message: `${NAME}: not here` }],
      ...(failed && { notReady: 'SysctlFailed' }),
    });
  }
  cluster.reconcile();
  return cluster;
}

const verdicts = (cluster: MemoryCluster) => {
  const tally = cluster.decide().tallies.get('vs');
  return Object.fromEntries(['a', 'b'].map((node) => [node, tally?.get(node)?.verdict]));
};

describe('a node whose kernel lacks what a profile wants for pods', () => {
  test('gets a revision without it', () => {
    const { states, revisions } = settled(false);
    const [a, b] = ['a', 'b'].map((name) => revisions.get(states.get(name)?.spec.revision ?? ''));
    expect(a?.kubelet.allowedUnsafeSysctls).toEqual([NAME]);
    expect(b?.kubelet.allowedUnsafeSysctls).toEqual([]);
  });

  test('fails, and is named with the sysctl', () => {
    const cluster = settled(false);
    expect(verdicts(cluster)).toEqual({ a: 'ready', b: 'failed' });
    expect(cluster.labelled('vs')).toEqual(['a']);
    const judgement = cluster.decide().tallies.get('vs')?.get('b');
    expect(judgement?.failures).toEqual([{ node: 'b', name: NAME, message: `${NAME}: not here` }]);
  });

  test('is ready where the entry is optional', () => {
    const cluster = settled(true);
    expect(verdicts(cluster)).toEqual({ a: 'ready', b: 'ready' });
    expect(cluster.labelled('vs')).toEqual(['a', 'b']);
  });

  test('settles: nothing more is written', () => {
    const cluster = settled(false);
    cluster.writes.length = 0;
    expect(cluster.reconcile().actions.size).toBe(0);
    expect(cluster.writes).toEqual([]);
  });
});

describe('what an agent withholds and the plan does not know of', () => {
  const { data } = composed(profile('vs', { sysctls: [sysctl(`${NAME}=1`)] }));
  const state = nodeState('b', {
    revision: 'r1',
    kubelet: { state: 'Synced', allowedUnsafeSysctls: [] },
    deviations: [{ name: NAME, state: 'Unsupported', message: 'not here' }],
  });
  const input = { node: 'b', nodeReady: true, profile: 'vs', state, observed: data, wanted: data };

  test.each([
    [true, 'failed'],
    [false, 'pending'],
  ])('with the wanted revision observed, %s: %s', (current, verdict) => {
    expect(judge({ ...input, current, patterns: [NAME] }).verdict).toBe(verdict);
  });
});
