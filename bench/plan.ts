/**
 * The planner alone, and everything that is decided (plan, rollout, work, counts of each profile): from nothing, and after one node has
 * changed. No network, no clock.
 *   npm run bench:plan [-- --profiles 20 --json FILE]
 */
import type { RevisionData } from '../operator/api/revision.ts';
import type { NodeSysctlState } from '../operator/api/state.ts';
import type { SysctlProfile } from '../operator/api/profile.ts';
import type { CachedNode } from '../operator/manager/caches.ts';
import { Decider, type World } from '../operator/manager/decide.ts';
import { planNodes } from '../operator/manager/plan-nodes.ts';
import { Planner } from '../operator/plan/plan.ts';
import { benchOptions, percentile, report, type Row } from './support/report.ts';

const ROUNDS = 15;
const SIZES = [100, 1000, 10_000];
const options = benchOptions({ profiles: '20' });

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
    rollout: { maxUnavailable: '10%' },
    sysctls: Array.from({ length: 20 }, (_, k) => ({
      name: `net.core.key_${(i + k) % 60}`,
      value: 1000 + i,
      scope: 'Node',
    })),
  },
});

/** Each node is in two of five pools: ten kinds of nodes. */
const node = (i: number): CachedNode => ({
  metadata: { name: `node-${i}`, uid: `uid-${i}` },
  ready: true,
  labels: {
    'kubernetes.io/hostname': `node-${i}`,
    'sysctl-operator.dev/agent': 'true',
    [`pool-${i % 5}`]: 'true',
    [`pool-${(i * 7 + 1) % 5}`]: 'true',
  },
});

/** The node with a label that no profile looks at. */
const relabelled = (round: number): CachedNode => ({
  ...node(round),
  labels: { ...node(round).labels, 'pool-9': `${round}` },
});

const state = (name: string, revision: string): NodeSysctlState => ({
  metadata: { name, uid: `state-${name}`, resourceVersion: '1', generation: 1 },
  spec: { revision },
  status: {
    observedRevision: revision,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'AllInSync',
        message: '',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ],
  },
});

const timed = (work: () => unknown): number => {
  const started = performance.now();
  work();
  return performance.now() - started;
};
const rounds = (work: (round: number) => number): number =>
  percentile(
    Array.from({ length: ROUNDS }, (_, round) => work(round)),
    50,
  );

function figures(count: number): Row {
  const profiles = Array.from({ length: Number(options.profiles) }, (_, i) => profile(i));
  const nodes = new Map(Array.from({ length: count }, (_, i) => [`node-${i}`, node(i)]));
  const none = new Map<string, NodeSysctlState>();
  const planned = planNodes(nodes, none);
  const planner = new Planner();
  const { wanted, revisions } = planner.plan(profiles, planned);
  const states = new Map([...nodes.keys()].map((name) => [name, state(name, wanted.get(name) ?? '')]));
  const contents: ReadonlyMap<string, RevisionData> = new Map(revisions);
  const world: World = { profiles: () => profiles, nodes, states, revisions: contents, started: new Map() };
  const decider = new Decider(world);
  decider.decide();
  return {
    nodes: count,
    profiles: profiles.length,
    revisions: revisions.size,
    'planned from nothing, ms': rounds(() => timed(() => new Planner().plan(profiles, planned).profiles)),
    'one node moved, ms': rounds((round) => {
      const labels = { ...node(round).labels, [`pool-${round % 5}`]: 'moved' };
      return timed(() => {
        planner.setNode({ name: `node-${round}`, labels });
        return planner.current.profiles;
      });
    }),
    'decided from nothing, ms': rounds(() => timed(() => new Decider(world).decide())),
    'one label changed, ms': rounds((round) => {
      nodes.set(`node-${round}`, relabelled(round));
      decider.touchNode(`node-${round}`);
      return timed(() => decider.decide());
    }),
    'one state changed, ms': rounds((round) => {
      const name = `node-${round}`;
      states.set(name, state(name, wanted.get(name) ?? ''));
      decider.touchNode(name);
      return timed(() => decider.decide());
    }),
  };
}

report('plan', SIZES.map(figures), options.json);
