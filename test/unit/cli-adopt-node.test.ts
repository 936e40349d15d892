import { describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import type { SysctlProfile } from '../../operator/api/profile.ts';
import { adoptNode } from '../../operator/cli/adopt/node.ts';
import { planCommand } from '../../operator/cli/plan/command.ts';
import { parseArguments } from '../../operator/cli/usage.ts';
import { MemoryApi, MemoryTerminal, NAMESPACE, type ClusterDraft } from './support/memory-cluster-api.ts';
import { holding, node, planned } from './support/preview.ts';
import { profile, sysctl } from './support/profiles.ts';

const labels = { 'kubernetes.io/hostname': 'worker-7' };
const mixed = profile('mixed', {
  acknowledgeRisks: ['vm.panic_on_oom'],
  sysctls: [
    sysctl('vm.max_map_count=262144'),
    sysctl('net.core.somaxconn=4096', { scope: 'Node' }),
    sysctl('fs.inotify.max_user_instances>=8192'),
    sysctl('vm.panic_on_oom=0'),
    sysctl('kernel.msgmax=65536'),
  ],
});

const draft = (more: Parameters<typeof holding>[2] = {}): ClusterDraft => ({
  nodes: [node('worker-7.example.com', labels), node('other')],
  profiles: [mixed],
  states: [holding('worker-7.example.com', [mixed], more)],
  revisions: planned([mixed]).revisions,
});

async function adopt(cluster: ClusterDraft, name: string): Promise<{ text: string; lost: string[] }> {
  const { profiles, lost } = await adoptNode({ api: new MemoryApi(cluster), namespace: NAMESPACE }, name);
  return { text: stringify(profiles[0]), lost };
}

async function plan(cluster: ClusterDraft, text: string): Promise<number> {
  const command = planCommand(new MemoryApi(cluster).connect);
  return command.run(parseArguments(command, ['-f', 'x']), new MemoryTerminal({ x: text }));
}

describe('adopt of a node', () => {
  test('is a profile for that node with what the operator holds there', async () => {
    const { text } = await adopt(draft(), 'worker-7.example.com');
    const made = parse(text) as SysctlProfile;
    expect(made.metadata.name).toBe('adopted-worker-7-example-com');
    expect(made.spec).toEqual({
      nodeSelector: { matchLabels: labels },
      mode: 'Plan',
      acknowledgeRisks: ['vm.panic_on_oom'],
      sysctls: [
        { name: 'fs.inotify.max_user_instances', value: 8192, match: 'AtLeast' },
        { name: 'net.core.somaxconn', value: 4096, scope: 'Node' },
        { name: 'vm.max_map_count', value: 262144 },
        { name: 'vm.panic_on_oom', value: 0 },
      ],
      pods: { allowedUnsafeSysctls: ['kernel.msgmax'] },
    });
  });

  test('and plan of it says that nothing would change, also without the profile that it came from', async () => {
    const { text } = await adopt(draft(), 'worker-7.example.com');
    expect(await plan(draft(), text)).toBe(0);
    expect(await plan({ ...draft(), profiles: [] }, text)).toBe(0);
    expect(
      await plan(draft(), text.replace('262144', '262145').replace('mode:', 'priority: 1\n  mode:')),
    ).toBe(2);
  });

  test('leaves out what is not in sync, and says so', async () => {
    const deviations = [{ name: 'vm.max_map_count', live: '65530', state: 'Drifted' as const }];
    const { text, lost } = await adopt(draft({ deviations }), 'worker-7.example.com');
    expect(text).not.toContain('max_map_count');
    expect(lost).toEqual(['vm.max_map_count: Drifted, wanted is 262144, it is 65530']);
  });

  test.each([
    ['nope', {}, 'there is no node "nope"'],
    ['other', {}, 'no agent has read node other'],
    ['worker-7.example.com', { revisions: new Map() }, 'is gone'],
  ])('says of %s why it cannot: %j', async (name, more: Partial<ClusterDraft>, message) => {
    await expect(adopt({ ...draft(), ...more }, name)).rejects.toThrow(message);
  });

  test('says that it is too little where the operator holds nothing', async () => {
    const states = [holding('other', [])];
    const revisions = new Map([[planned([]).empty.name, planned([]).empty.data]]);
    await expect(adopt({ ...draft(), states, revisions }, 'other')).rejects.toThrow(
      'holds nothing on node other',
    );
  });
});
