import { describe, expect, test } from '@jest/globals';
import { paths } from '../../operator/api/names.ts';
import type { SysctlProfile } from '../../operator/api/profile.ts';
import { diffCommand } from '../../operator/cli/diff/command.ts';
import { statusCommand, type Clock } from '../../operator/cli/status/command.ts';
import { parseArguments } from '../../operator/cli/usage.ts';
import { messageOf } from '../../operator/errors.ts';
import { until } from '../queues/support/until.ts';
import { MemoryApi, MemoryTerminal, type ClusterDraft } from './support/memory-cluster-api.ts';
import { holding, node, planned } from './support/preview.ts';
import { profile, sysctl } from './support/profiles.ts';
import { WatchedApi } from './support/watched-api.ts';

const NOW = Date.parse('2026-01-01T03:00:00Z');
const search = profile('search', { sysctls: [sysctl('vm.max_map_count=262144'), sysctl('vm.swappiness=1')] });
const older = profile('search', { sysctls: [sysctl('vm.max_map_count=1')] });
const failing: SysctlProfile = {
  ...search,
  status: {
    observedGeneration: 1,
    nodes: { matched: 2, updated: 1, ready: 1, failed: 1, drifted: 0 },
    failures: [{ node: 'a', name: 'vm.swappiness', message: 'EINVAL' }],
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'NodeFailed',
        message: 'node a: vm.swappiness: EINVAL',
        lastTransitionTime: '2026-01-01T00:30:00Z',
      },
    ],
  },
};
const deviations = [{ name: 'vm.swappiness', live: '60', state: 'Failed' as const, message: 'EINVAL' }];
const originals = { 'vm.max_map_count': '65530' };
const cluster: ClusterDraft = {
  nodes: [node('a'), node('b')],
  profiles: [failing, profile('new')],
  states: [
    holding('a', [search], { deviations, originals, notReady: 'SysctlFailed' }),
    holding('b', [search]),
  ],
  revisions: planned([search]).revisions,
};

async function run(
  make: (api: MemoryApi) => ReturnType<typeof statusCommand>,
  draft: ClusterDraft,
  args: readonly string[],
): Promise<{ status: number; out: string }> {
  const terminal = new MemoryTerminal();
  const command = make(new MemoryApi(draft));
  const status = await command.run(parseArguments(command, args), terminal);
  return { status, out: terminal.out };
}

const still: Clock = { now: () => NOW, wait: () => Promise.reject(new Error('nobody watches')) };
const status = (draft: ClusterDraft, ...args: string[]) =>
  run((api) => statusCommand(api.connect, still), draft, args);
const diff = (draft: ClusterDraft, ...args: string[]) =>
  run((api) => diffCommand(api.connect, () => NOW), draft, args);

describe('status', () => {
  test('has a line for each profile, and why one is not ready', async () => {
    const { out } = await status(cluster);
    expect(out).toMatch(/^new +Enforce +not seen yet/m);
    expect(out).toMatch(/^search +Enforce +False +NodeFailed +2 +1 +1 +1 +0 +2h30m$/m);
    expect(out).toContain('search: node a: vm.swappiness: EINVAL');
  });

  test('says of a profile what failed, and names its nodes that are not ready', async () => {
    const { out } = await status(cluster, 'search');
    expect(out).toContain('2 nodes matched, 1 updated, 1 ready, 1 failed');
    expect(out).toContain('Ready=False (NodeFailed, for 2h30m)');
    expect(out).toMatch(/Nodes that are not ready\n {2}a: SysctlFailed for 3h: /);
    expect(out).not.toMatch(/^ {2}b: /m);
  });

  test('of a node is what diff says of it', async () => {
    expect((await status(cluster, '--node', 'a')).out).toBe((await diff(cluster, 'a')).out);
  });

  test('says that a profile is not there', async () => {
    await expect(status(cluster, 'nope')).rejects.toThrow('there is no profile "nope"');
  });

  test('prints no more than once where nothing is watched', async () => {
    expect((await status(cluster)).out.match(/^PROFILE/gm)).toHaveLength(1);
  });
});

const seen = (holds: () => boolean): Promise<void> => until(holds, 'what the watch has to show');
/** Ends when the test has seen enough; says what was printed each time. */
function watching(api: WatchedApi, ...args: string[]) {
  const terminal = new MemoryTerminal();
  let enough = false;
  const clock: Clock = {
    now: () => NOW,
    wait: () => (enough ? Promise.reject(new Error('enough')) : Promise.resolve()),
  };
  const command = statusCommand(api.connect, clock);
  const ended = Promise.resolve(command.run(parseArguments(command, [...args, '--watch']), terminal)).catch(
    (error: unknown) => messageOf(error),
  );
  return { terminal, end: () => ((enough = true), ended) };
}

describe('status --watch', () => {
  test('prints again when a watched object changes, and asks for nothing meanwhile', async () => {
    const api = new WatchedApi(cluster);
    const { terminal, end } = watching(api);
    await seen(() => api.watched(paths.profiles));
    expect(terminal.out.match(/^PROFILE/gm)).toHaveLength(1);
    const asked = api.asked.length;
    api.change({ ...cluster, profiles: [failing] }, paths.profiles, 'DELETED', profile('new'));
    await seen(() => terminal.out.includes('\n--- 2026-01-01T03:00:00.000Z\n'));
    expect(terminal.out.match(/^PROFILE/gm)).toHaveLength(2);
    expect(terminal.out.match(/^new /gm)).toHaveLength(1);
    expect(api.asked.slice(asked)).toEqual([]);
    const drained = end();
    api.change({ ...cluster, profiles: [] }, paths.profiles, 'DELETED', failing);
    expect(await drained).toBe('enough');
  });

  test('does not print again for a change that nobody would see', async () => {
    const api = new WatchedApi(cluster);
    const { terminal, end } = watching(api);
    await seen(() => api.watched(paths.profiles));
    const before = terminal.out;
    api.change(cluster, paths.profiles, 'MODIFIED', {
      ...failing,
      metadata: { ...failing.metadata, labels: { team: 'x' } },
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(terminal.out).toBe(before);
    const drained = end();
    api.change(cluster, paths.profiles, 'MODIFIED', profile('new'));
    await drained;
  });

  test('of one profile watches that one and the states of nodes, and reads a revision when a node first has it', async () => {
    const moved = {
      ...cluster,
      revisions: new Map([...(cluster.revisions ?? []), ...planned([older]).revisions]),
    };
    const api = new WatchedApi(cluster);
    const { terminal, end } = watching(api, 'search');
    await seen(() => api.watched(paths.profiles, paths.states));
    expect(api.asked).toContain(`${paths.profiles}?metadata.name=search`);
    const state = holding('c', [older], { notReady: 'SysctlFailed' });
    api.change({ ...moved, states: [...(cluster.states ?? []), state] }, paths.states, 'MODIFIED', state);
    await seen(() => /^ {2}c: SysctlFailed/m.test(terminal.out));
    const drained = end();
    api.change(moved, paths.states, 'DELETED', state);
    await drained;
  });

  test('says that the profile is gone, and goes on', async () => {
    const api = new WatchedApi(cluster);
    const { terminal, end } = watching(api, 'search');
    await seen(() => api.watched(paths.profiles, paths.states));
    api.change({ ...cluster, profiles: [] }, paths.profiles, 'DELETED', failing);
    await seen(() => terminal.out.includes('Profile search is not there any more'));
    api.change(cluster, paths.profiles, 'MODIFIED', failing);
    await seen(() => (terminal.out.match(/^Profile search: /gm) ?? []).length === 2);
    expect(terminal.out.match(/^--- /gm)).toHaveLength(2);
    const drained = end();
    api.change({ ...cluster, profiles: [] }, paths.profiles, 'DELETED', failing);
    await drained;
  });
});

describe('diff', () => {
  test('says what is wanted, live and was there before, who decides, and exits with 2', async () => {
    const ran = await diff(cluster, 'a');
    expect(ran.status).toBe(2);
    expect(ran.out).toMatch(/^vm\.max_map_count +262144 +262144 +65530 +search +in sync$/m);
    expect(ran.out).toMatch(/^vm\.swappiness +1 +60 +- +search +Failed$/m);
    expect(ran.out).toContain('Not ready (SysctlFailed) for 3h');
  });

  test('has columns also where the kernel prints tabs', async () => {
    const tabbed = holding('b', [search], { originals: { 'vm.max_map_count': '1\t2\t3' } });
    const { out } = await diff({ ...cluster, states: [tabbed] }, 'b');
    expect(out).toMatch(/^vm\.max_map_count +262144 +262144 +1 2 3 +search +in sync$/m);
  });

  test('exits with 0 where everything is as wanted', async () => {
    expect((await diff(cluster, 'b')).status).toBe(0);
  });

  test('of a node on its way shows both: what it has, and what it gets', async () => {
    const state = holding('b', [older]);
    state.spec.revision = planned([search]).wanted.get('a') ?? '';
    const revisions = new Map([...planned([older]).revisions, ...planned([search]).revisions]);
    const { out, status: exit } = await diff({ ...cluster, states: [state], revisions }, 'b');
    expect(exit).toBe(2);
    expect(out).toMatch(/^vm\.max_map_count +262144 +1 +- +search +being changed$/m);
    expect(out).toMatch(/^vm\.swappiness +1 +not read yet +- +search +being changed$/m);
  });

  test('says of a node without a state why there is none', async () => {
    await expect(diff(cluster, 'nope')).rejects.toThrow('no profile matches it, or there is no such node');
  });
});
