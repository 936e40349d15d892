import { describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { paths } from '../../operator/api/names.ts';
import type { SysctlProfile } from '../../operator/api/profile.ts';
import type { PlanData } from '../../operator/cli/plan/data.ts';
import { planCommand } from '../../operator/cli/plan/command.ts';
import { parseArguments } from '../../operator/cli/usage.ts';
import {
  MemoryApi,
  MemoryTerminal,
  NAMESPACE,
  PODS,
  type ClusterDraft,
} from './support/memory-cluster-api.ts';
import { holding, node, planned } from './support/preview.ts';
import { profile, sysctl } from './support/profiles.ts';

const FILE = 'profile.yaml';
const search = profile('search', { sysctls: [sysctl('vm.max_map_count=262144')] });
const file = ({ metadata, spec }: SysctlProfile): string =>
  stringify({ apiVersion: 'sysctl-operator.dev/v1alpha1', kind: 'SysctlProfile', metadata, spec });

interface Ran {
  status: number;
  out: string;
  api: MemoryApi;
}

async function plan(draft: ClusterDraft, args: readonly string[], text = file(search)): Promise<Ran> {
  const api = new MemoryApi(draft);
  const terminal = new MemoryTerminal({ [FILE]: text });
  const command = planCommand(api.connect);
  const status = await command.run(parseArguments(command, args), terminal);
  return { status, out: terminal.out, api };
}

const podQueries = ({ api }: Ran): unknown[] =>
  api.requests.filter((r) => r.path === PODS).map((r) => r.query?.['fieldSelector']);

const json = async (draft: ClusterDraft, args: readonly string[], text?: string): Promise<PlanData> =>
  JSON.parse((await plan(draft, [...args, '-o', 'json'], text)).out) as PlanData;

const one: ClusterDraft = { nodes: [node('a')] };
const done: ClusterDraft = { ...one, profiles: [search], states: [holding('a', [search])] };

describe('plan says with its exit status', () => {
  test('2 that something would change', async () => {
    expect((await plan(one, ['-f', FILE])).status).toBe(2);
  });

  test('0 that nothing would', async () => {
    const { status, out } = await plan(done, ['search']);
    expect([status, out]).toEqual([0, expect.stringContaining('Nothing would change')]);
  });

  test('1 of errors, so that 2 always means a change', () => {
    expect(planCommand(new MemoryApi({}).connect).failure).toBe(1);
  });
});

describe('plan refuses', () => {
  test.each([
    ['a profile that the cluster does not have', ['nope'], 'no profile "nope" (it has search)'],
    ['to plan nothing', [], 'name a profile'],
  ])('%s', async (_what, args, message) => {
    await expect(plan(done, args)).rejects.toThrow(message);
  });

  test.each([
    ['kind: Pod\n', 'there is no SysctlProfile in it'],
    ['kind: [\n', 'profile.yaml: '],
    [
      'apiVersion: sysctl-operator.dev/v1alpha1\nkind: SysctlProfile\nmetadata: {name: x}\nspec: {}\n',
      'no spec.nodeSelector',
    ],
  ])('a file such as %j', async (text, message) => {
    await expect(plan(one, ['-f', FILE], text)).rejects.toThrow(message);
  });

  test('with the right that is missing, where nodes may not be read', async () => {
    const refused = { [paths.nodes]: 403 };
    await expect(plan({ ...one, refused }, ['-f', FILE])).rejects.toThrow('sysctl-operator-planner');
  });
});

describe('what may not be read is said', () => {
  test('of a cluster without the operator, where a file can be planned all the same', async () => {
    const refused = { [paths.profiles]: 404, [paths.states]: 404 };
    const data = await json({ ...one, refused }, ['-f', FILE]);
    expect(data).toMatchObject({ changes: true, nodes: { unread: 1 } });
    expect(data.notes).toEqual([expect.stringContaining('does not have the operator')]);
  });

  test('of revisions: what came from older ones counts as not read', async () => {
    const older = profile('search', { sysctls: [sysctl('vm.max_map_count=1')] });
    const draft = { ...one, profiles: [search], states: [holding('a', [older])] };
    const refused = { [paths.revisions(NAMESPACE)]: 403 };
    const { revisions } = planned([older]);
    expect((await json({ ...draft, revisions }, ['search'])).groups[0]?.keys[0]?.live).toBe('1');
    const blind = await json({ ...draft, revisions, refused }, ['search']);
    expect(blind.groups[0]?.keys[0]?.kind).toBe('unread');
    expect(blind.notes).toEqual([expect.stringContaining('may not read the revisions')]);
  });
});

describe('running pods', () => {
  const was = profile('pods', { pods: { allowedUnsafeSysctls: ['kernel.msg*'] } });
  const less = file(profile('pods', { pods: {} }));
  const draft: ClusterDraft = {
    nodes: [node('a'), node('b')],
    profiles: [was],
    states: [holding('a', [was])],
    pods: [{ name: 'db-0', node: 'a', sysctls: ['kernel.msgmax'] }],
  };

  test('that a shorter list would kill are named as held', async () => {
    const { out } = await plan(draft, ['-f', FILE], less);
    expect(out).toContain('held on 1 node: "kernel.msg*" stays allowed as long as shop/db-0 runs');
  });

  test('are asked for only on nodes whose list gets shorter', async () => {
    expect(podQueries(await plan(draft, ['-f', FILE], less))).toEqual([
      'status.phase=Running,spec.nodeName=a',
    ]);
    expect(podQueries(await plan(draft, ['pods']))).toEqual([]);
  });

  test('that may not be listed are said to be unknown', async () => {
    const { notes } = await json({ ...draft, refused: { [PODS]: 403 } }, ['-f', FILE], less);
    expect(notes).toEqual([expect.stringContaining('you may not list pods')]);
  });
});

test('what a node found in its own kernel decides where an entry goes', async () => {
  const kernel = { digest: 'x', differences: { shared: ['net.core.somaxconn'] } };
  const text = file(profile('search', { sysctls: [sysctl('net.core.somaxconn=4096')] }));
  const told = await json({ ...one, states: [holding('a', [], { kernel })] }, ['-f', FILE], text);
  expect(told.profiles[0]?.sysctls).toMatchObject([{ lane: 'Node' }]);
  expect((await json(one, ['-f', FILE], text)).profiles[0]?.sysctls).toMatchObject([{ lane: 'Pod' }]);
});

test('an enforced profile whose file says mode Plan is warned of', async () => {
  const text = file(profile('search', { ...search.spec, mode: 'Plan' }));
  const { notes } = await json(done, ['-f', FILE], text);
  expect(notes).toEqual([expect.stringContaining('nodes give up what it gave them')]);
});

describe('5,000 nodes', () => {
  const nodes = Array.from({ length: 5000 }, (_, i) => node(`worker-${i}`));
  const other = profile('other', { sysctls: [sysctl('vm.max_map_count=65530')], age: 9 });
  // Every tenth node has a value of its own, so that there are hundreds of groups.
  const states = nodes.map(({ name }, i) =>
    holding(name, [other], {
      ...(i % 10 === 0 && {
        deviations: [{ name: 'vm.max_map_count', live: String(i), state: 'Drifted' as const }],
      }),
    }),
  );
  const text = file(profile('search', { ...search.spec, priority: 1 }));
  const big: ClusterDraft = { nodes, profiles: [other], states };

  test('are a page in a terminal', async () => {
    const { out } = await plan(big, ['-f', FILE], text);
    const lines = out.split('\n');
    expect(lines.length).toBeLessThan(40);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(out).toContain('matches 5000 of 5000 nodes');
    expect(out).toContain('4500 nodes: worker-1, worker-2, worker-3 and 4497 more');
    expect(out).toMatch(/and 493 nodes in 493 more groups/);
  });

  test('are all there for a script, and with --all', async () => {
    const { groups } = await json(big, ['-f', FILE], text);
    expect(new Set(groups.flatMap((g) => g.nodes)).size).toBe(5000);
    expect((await plan(big, ['-f', FILE, '--all'], text)).out).toContain('worker-4999');
  });

  test('are read in pages', async () => {
    const { api } = await plan(big, ['-f', FILE], text);
    expect(api.requests.filter((r) => r.path === paths.nodes)).toHaveLength(10);
  });
});
