/**
 * The planner alone: all profiles x all nodes from nothing, and again after one node's labels have changed.
 *   node bench/plan.ts
 */
import type { SysctlProfile } from '../operator/api/profile.ts';
import { Planner, type PlanNode } from '../operator/plan/plan.ts';

const PROFILES = 20;
const ROUNDS = 15;

const profile = (i: number): SysctlProfile => ({
  metadata: {
    name: `profile-${i}`,
    uid: `uid-${i}`,
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: {
    nodeSelector: { matchLabels: { [`pool-${i % 5}`]: 'true' } },
    priority: i,
    sysctls: Array.from({ length: 20 }, (_, k) => ({
      name: `net.core.key_${(i + k) % 60}`,
      value: 1000 + i,
      scope: 'Node',
    })),
  },
});

/** Each node is in two of five pools: ten kinds of nodes. */
const node = (i: number): PlanNode => ({
  name: `node-${i}`,
  labels: {
    'kubernetes.io/hostname': `node-${i}`,
    [`pool-${i % 5}`]: 'true',
    [`pool-${(i * 7 + 1) % 5}`]: 'true',
  },
});

const median = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;

function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

const profiles = Array.from({ length: PROFILES }, (_, i) => profile(i));
const rows = [100, 1000, 10_000].map((count) => {
  const nodes = Array.from({ length: count }, (_, i) => node(i));
  const full = median(Array.from({ length: ROUNDS }, () => timed(() => new Planner().plan(profiles, nodes))));
  const planner = new Planner();
  const { revisions } = planner.plan(profiles, nodes);
  const changed = median(
    Array.from({ length: ROUNDS }, (_, round) => {
      const labels = { ...nodes[round]?.labels, round: String(round), [`pool-${round % 5}`]: 'moved' };
      return timed(() => {
        planner.setNode({ name: `node-${round}`, labels });
        return planner.current.profiles;
      });
    }),
  );
  return {
    nodes: count,
    profiles: PROFILES,
    revisions: revisions.size,
    'full, ms': full.toFixed(2),
    'one node changed, ms': changed.toFixed(2),
  };
});
console.table(rows);
