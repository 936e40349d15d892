import { describe, expect } from '@jest/globals';
import { conditionOf } from '../../operator/api/conditions.ts';
import {
  apply,
  applyProfile,
  eventually,
  getProfile,
  getState,
  kubectl,
  labelNode,
  live,
  waitCondition,
  waitReady,
} from './support/cluster.ts';
import { onCleanNodes, scenario } from './support/scene.ts';

const SELECTOR = { matchLabels: { pool: 'one' } };
const KEY = 'net.core.somaxconn';
const profile = (
  name: string,
  value: number,
  more: Record<string, unknown> = {},
  match?: string,
): Promise<string> =>
  applyProfile(name, {
    nodeSelector: SELECTOR,
    ...more,
    sysctls: [{ name: KEY, value, scope: 'Node', ...(match && { match }) }],
  });
const becomes = (value: string): Promise<string> =>
  eventually(
    () => live('node-1', KEY),
    (found) => found === value,
    `${KEY} is not ${value}`,
  );

describe('several profiles on one node', () => {
  onCleanNodes();

  scenario(
    'the higher priority decides; when it goes, the lower one does; then the original is back',
    async () => {
      await labelNode('node-1', 'pool=one');
      const before = await live('node-1', KEY);
      await profile('low', 5000, { priority: 1 });
      await waitReady('low');
      await profile('high', 6000, { priority: 2 });
      await waitReady('high');
      expect(await live('node-1', KEY)).toBe('6000');
      await kubectl('delete', 'sysctlprofile', 'high');
      await becomes('5000');
      expect((await getState('node-1')).status?.originals).toEqual({ [KEY]: before });
      await kubectl('delete', 'sysctlprofile', 'low');
      await becomes(before);
    },
  );

  scenario(
    'bounds compose: the largest AtLeast, the smallest AtMost, and a value inside is left alone',
    async () => {
      await labelNode('node-1', 'pool=one');
      await profile('at-least-a', 5000, {}, 'AtLeast');
      await profile('at-least-b', 7000, {}, 'AtLeast');
      await Promise.all([waitReady('at-least-a'), waitReady('at-least-b')]);
      expect(await live('node-1', KEY)).toBe('7000');
      await profile('at-most', 9000, {}, 'AtMost');
      await waitReady('at-most');
      expect(await live('node-1', KEY)).toBe('7000');
      await kubectl('delete', 'sysctlprofile', 'at-least-b');
      await Promise.all([waitReady('at-least-a'), waitReady('at-most')]);
      const value = Number(await live('node-1', KEY));
      expect(value).toBeGreaterThanOrEqual(5000);
      expect(value).toBeLessThanOrEqual(9000);
    },
  );

  scenario(
    'equal priority is a reported conflict: the older one keeps what it has, and nothing flips',
    async () => {
      await labelNode('node-1', 'pool=one');
      await profile('older', 5000);
      await waitReady('older');
      await new Promise((resolve) => setTimeout(resolve, 1100));
      await profile('newer', 6000);
      const newer = await waitCondition(
        'newer',
        ({ status, reason }) => status === 'False' && reason === 'Conflicted',
      );
      const ready = conditionOf(newer.status?.conditions, 'Ready');
      expect(ready?.message).toContain(KEY);
      expect(ready?.message).toContain('older');
      const seen = new Set<string>();
      for (let i = 0; i < 30; i++) {
        seen.add(await live('node-1', KEY));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect([...seen]).toEqual(['5000']);
      expect(conditionOf((await getProfile('older')).status?.conditions, 'Ready')?.status).toBe('True');
      // Settled by a priority, without a restart of anything.
      await profile('newer', 6000, { priority: 10 });
      await waitReady('newer');
      expect(await live('node-1', KEY)).toBe('6000');
    },
  );

  scenario(
    'profiles that are applied together are all in force, whatever order they are seen in',
    async () => {
      await labelNode('node-1', 'pool=one');
      const keys = [
        KEY,
        'net.ipv4.tcp_max_syn_backlog',
        'net.ipv4.tcp_keepalive_time',
        'net.ipv4.tcp_fin_timeout',
      ];
      for (let round = 1; round <= 3; round++) {
        const items = keys.map((name, i) => ({
          apiVersion: 'sysctl-operator.dev/v1alpha1',
          kind: 'SysctlProfile',
          metadata: { name: `together-${i}` },
          spec: { nodeSelector: SELECTOR, sysctls: [{ name, value: 2000 + round, scope: 'Node' }] },
        }));
        await apply({ apiVersion: 'v1', kind: 'List', items });
        for (const { metadata } of items) await waitReady(metadata.name);
        const values = await Promise.all(keys.map((name) => live('node-1', name)));
        expect(values).toEqual(keys.map(() => String(2000 + round)));
        await kubectl('delete', 'sysctlprofiles', '--all', '--wait=false');
      }
    },
  );
});
