import { describe, expect, test } from '@jest/globals';
import type { RevisionData } from '../../operator/api/revision.ts';
import type { KernelStatus } from '../../operator/api/state.ts';
import { Planner, type Plan, type PlanNode, type ProfilePlan } from '../../operator/plan/plan.ts';
import { profile, sysctl, type ProfileDraft } from './support/profiles.ts';
import { random, shuffled } from './support/random.ts';

type Differences = KernelStatus['differences'];

const node = (name: string, differences?: Differences, kernelRelease = '6.18.1'): PlanNode => ({
  name,
  labels: {},
  kernel: { digest: 'd', ...(differences && { differences }) },
  kernelRelease,
});
const plan = (draft: ProfileDraft, nodes: readonly PlanNode[]): Plan =>
  new Planner().plan([profile('p', draft)], nodes);
const revisionOf = (p: Plan, name: string): RevisionData | undefined =>
  p.revisions.get(p.wanted.get(name) ?? '');
const own = (p: Plan): ProfilePlan | undefined => p.profiles.get('p');
const reasonOf = (p: Plan): string => own(p)?.resolved[0]?.reason ?? '';

const somaxconn = { sysctls: [sysctl('net.core.somaxconn=4096')] };
const backlog = { sysctls: [sysctl('net.core.netdev_max_backlog=1000')] };
const conntrack = { sysctls: [sysctl('net.ipv4.vs.conntrack=1')] };
const VS_MISSING: Differences = { missing: ['net.ipv4.vs.*'] };

describe('nodes of several kernels', () => {
  test('that differ only where no profile looks share one revision with nodes that nobody has looked at', () => {
    const p = plan(somaxconn, [
      { name: 'new', labels: {} },
      node('a'),
      node('b', { missing: ['net.ipv4.vs.*'] }),
      node('c', { absent: ['net.core.optmem_max'] }),
    ]);
    expect(p.revisions.size).toBe(1);
    expect(p.wanted.size).toBe(4);
    expect(reasonOf(p)).not.toContain('otherwise');
  });

  test('write on the node what that kernel has once only, and allow it to pods elsewhere', () => {
    const p = plan(somaxconn, [node('a'), node('b'), node('c', { absent: ['net.core.somaxconn'] }, '5.4.0')]);
    expect(revisionOf(p, 'a')).toMatchObject({
      sysctls: [],
      kubelet: { allowedUnsafeSysctls: ['net.core.somaxconn'] },
    });
    expect(revisionOf(p, 'c')).toMatchObject({
      sysctls: [{ name: 'net.core.somaxconn', value: '4096' }],
      kubelet: { allowedUnsafeSysctls: [] },
    });
    expect([p.patternsOf('a', 'p'), p.patternsOf('c', 'p')]).toEqual([['net.core.somaxconn'], []]);
    expect(own(p)).toMatchObject({ accepted: true, resolved: [{ lane: 'Pod', namespace: 'net' }] });
    expect(reasonOf(p)).toContain('otherwise on 1 of 3 nodes, c (Linux 5.4.0): lane Node: not namespaced');
  });

  test('allow to pods what a newer kernel has in each namespace', () => {
    const p = plan(backlog, [node('a'), node('b', { own: ['net.core.netdev_max_backlog'] })]);
    expect(revisionOf(p, 'a')?.sysctls).toHaveLength(1);
    expect(revisionOf(p, 'b')).toMatchObject({
      sysctls: [],
      kubelet: { allowedUnsafeSysctls: ['net.core.netdev_max_backlog'] },
    });
  });

  test.each([true, false])('leave out for pods what the kernel lacks, optional %s', (optional) => {
    const sysctls = [sysctl('net.ipv4.vs.conntrack=1', { optional })];
    const p = plan({ sysctls }, [node('a'), node('b', VS_MISSING)]);
    expect(revisionOf(p, 'a')).not.toHaveProperty('unsupported');
    expect(revisionOf(p, 'b')).toMatchObject({
      sysctls: [],
      kubelet: { allowedUnsafeSysctls: [] },
      unsupported: [{ name: 'net.ipv4.vs.conntrack', optional, profiles: ['p'] }],
    });
    expect(reasonOf(p)).toContain('otherwise on 1 of 2 nodes, b (Linux 6.18.1)');
    expect(reasonOf(p)).toContain('this kernel does not have it');
  });

  test('leave out what scope Pod asks for and the kernel has once only', () => {
    const sysctls = [sysctl('net.core.somaxconn=4096', { scope: 'Pod' })];
    const p = plan({ sysctls }, [node('a', { readOnly: ['net.core.somaxconn'] })]);
    expect(revisionOf(p, 'a')).toMatchObject({
      sysctls: [],
      kubelet: { allowedUnsafeSysctls: [] },
      unsupported: [{ name: 'net.core.somaxconn', optional: false }],
    });
    expect(own(p)?.accepted).toBe(true);
    expect(reasonOf(p)).toContain('a pod can only read it');
  });

  test('leave out patterns of which pods can set nothing, which is no failure', () => {
    const pods = { allowedUnsafeSysctls: ['net.ipv4.vs.*', 'net.core.somaxconn', 'net.ipv4.*'] };
    const p = plan({ pods }, [node('a', { ...VS_MISSING, absent: ['net.core.somaxconn'] })]);
    expect(revisionOf(p, 'a')?.kubelet.allowedUnsafeSysctls).toEqual(['net.ipv4.*']);
    expect(revisionOf(p, 'a')?.unsupported).toMatchObject([
      { name: 'net.core.somaxconn', optional: true },
      { name: 'net.ipv4.vs.*', optional: true },
    ]);
  });

  test('still want on the node what the kernel lacks: its agent reports it', () => {
    const p = plan({ sysctls: [sysctl('vm.max_map_count=1')] }, [
      node('a'),
      node('b', { missing: ['vm.max_map_count'] }),
    ]);
    expect(p.revisions.size).toBe(1);
    expect(revisionOf(p, 'b')?.sysctls).toHaveLength(1);
    expect(reasonOf(p)).toContain('this kernel does not have it');
  });

  test('do not make a profile wrong for others that the catalog says is wrong', () => {
    const sysctls = [sysctl('net.core.netdev_max_backlog=1', { scope: 'Pod' })];
    const newer = node('b', { own: ['net.core.netdev_max_backlog'] });
    expect(own(plan({ sysctls }, [node('a'), newer]))).toMatchObject({
      accepted: false,
      problems: [{ name: 'net.core.netdev_max_backlog' }],
    });
    expect(own(plan({ sysctls }, [newer]))).toMatchObject({ accepted: true, problems: [] });
  });
});

describe('mixed kernels', () => {
  const kinds: Differences[] = [
    undefined,
    VS_MISSING,
    { missing: ['net.ipv4.vs.*', 'vm.zone_reclaim_mode'] },
    { absent: ['net.core.somaxconn'], missing: ['net.ipv4.vs.conntrack'] },
    { readOnly: ['net.core.somaxconn'] },
  ];
  const draft: ProfileDraft = { sysctls: [...somaxconn.sysctls, ...conntrack.sysctls, ...backlog.sysctls] };
  const fleet = Array.from({ length: 5000 }, (_, i) =>
    node(`node-${i}`, kinds[i % kinds.length], `6.${i % kinds.length}.0`),
  );

  test('need a handful of revisions for thousands of nodes, one per way to resolve', () => {
    const p = plan(draft, fleet);
    expect(p.wanted.size).toBe(5000);
    // The second and third kind differ only in what the profile does not ask for.
    expect(p.revisions.size).toBe(4);
    expect(p.wanted.get('node-1')).toBe(p.wanted.get('node-2'));
  });

  test('make the same plan in whatever order nodes come, and for a planner that has seen others', () => {
    const nodes = fleet.slice(0, 50);
    const first = plan(draft, nodes);
    const planner = new Planner();
    planner.plan([profile('p', draft)], nodes.toReversed().slice(0, 7));
    for (const again of [
      plan(draft, nodes.toReversed()),
      planner.plan([profile('p', draft)], shuffled(random(3), nodes)),
    ]) {
      expect(Object.fromEntries(again.wanted)).toEqual(Object.fromEntries(first.wanted));
      expect(Object.fromEntries(again.revisions)).toEqual(Object.fromEntries(first.revisions));
      expect(own(again)?.resolved).toEqual(own(first)?.resolved);
    }
  });

  test('that came to the same content share its hash', () => {
    const p = plan(somaxconn, [
      node('a', { absent: ['net.core.somaxconn'] }),
      node('b', { readOnly: ['net.core.somaxconn'] }),
    ]);
    expect(p.wanted.get('a')).toBe(p.wanted.get('b'));
    expect(p.revisions.size).toBe(1);
  });

  test('are told in a reason that stays short', () => {
    const few = 'otherwise on 2000 of 5000 nodes, node-3, node-4, node-8 and 1997 more (Linux 6.3.0, 6.4.0)';
    expect(reasonOf(plan(draft, fleet))).toContain(few);
    const long = fleet.slice(0, 20).map((one) => ({ ...one, name: one.name.padEnd(253, 'x') }));
    const text = reasonOf(
      plan(
        draft,
        long.map((one, i) => ({ ...one, kernelRelease: `${i}`.repeat(60) })),
      ),
    );
    expect(text).toHaveLength(1024);
    expect(text.endsWith('...')).toBe(true);
  });

  test('are no reason to say anything once their nodes are gone', () => {
    const planner = new Planner();
    planner.plan([profile('p', draft)], fleet);
    expect(reasonOf(planner.plan([profile('p', draft)], fleet.slice(0, 1)))).not.toContain('otherwise');
  });
});
