import { describe, expect } from '@jest/globals';
import { conditionOf } from '../../operator/api/conditions.ts';
import {
  agents,
  applyProfile,
  events,
  eventually,
  getState,
  kubectl,
  labelNode,
  live,
  NAMESPACE,
  names,
  onNode,
  setByHand,
  waitCondition,
  waitReady,
} from './support/cluster.ts';
import { onCleanNodes, scenario } from './support/scene.ts';

const KEY = 'net.core.somaxconn';
const profile = (value: number, more: Record<string, unknown> = {}): Promise<string> =>
  applyProfile('tuned', {
    nodeSelector: { matchLabels: { pool: 'one' } },
    sysctls: [{ name: KEY, value, scope: 'Node' }],
    ...more,
  });
const becomes = (value: string): Promise<string> =>
  eventually(
    () => live('node-1', KEY),
    (found) => found === value,
    `${KEY} is not ${value}`,
  );
const released = (): Promise<string[]> =>
  eventually(
    () => names('nodesysctlstates'),
    (found) => found.length === 0,
    'the state is left',
  );

const killManagers = (): Promise<string> =>
  kubectl(
    '-n',
    NAMESPACE,
    'delete',
    'pod',
    '-l',
    'app.kubernetes.io/component=manager',
    '--grace-period=0',
    '--force',
  );

describe('somebody else writes', () => {
  onCleanNodes();

  scenario('a foreign write is noticed, corrected and told', async () => {
    await labelNode('node-1', 'pool=one');
    await profile(8192);
    await waitReady('tuned');
    await setByHand('node-1', KEY, 1234);
    await becomes('8192');
    await eventually(
      () => events('Node', 'node-1'),
      (found) =>
        found.some(
          ({ reason, note }) =>
            reason === 'DriftCorrected' && note === `${KEY}: somebody else made it 1234; put back to 8192`,
        ),
      'no event tells it',
    );
  });

  scenario(
    'with driftPolicy Report it is reported and left alone; a restore does not overwrite it',
    async () => {
      await labelNode('node-1', 'pool=one');
      await profile(8192, { driftPolicy: 'Report' });
      await waitReady('tuned');
      await setByHand('node-1', KEY, 1234);
      const drifted = await waitCondition(
        'tuned',
        ({ status, reason }) => status === 'False' && reason === 'Drifted',
      );
      expect(conditionOf(drifted.status?.conditions, 'Ready')?.message).toBe(
        `node node-1: ${KEY}: somebody else changed it from 8192 to 1234; driftPolicy Report leaves it`,
      );
      expect(drifted.status?.nodes).toMatchObject({ matched: 1, ready: 0, drifted: 1 });
      expect((await getState('node-1')).status?.deviations).toEqual([
        expect.objectContaining({ name: KEY, desired: '8192', live: '1234', state: 'Drifted' }),
      ]);
      expect(await live('node-1', KEY)).toBe('1234');
      await kubectl('delete', 'sysctlprofile', 'tuned');
      await released();
      expect(await live('node-1', KEY)).toBe('1234');
      await setByHand('node-1', KEY, 4096);
    },
  );
});

describe('killed', () => {
  onCleanNodes();

  scenario('an agent that is killed and started again restores the true originals', async () => {
    await labelNode('node-1', 'pool=one');
    const before = await live('node-1', KEY);
    await profile(8192);
    await waitReady('tuned');
    await onNode('node-1', 'pkill', '-KILL', '-f', 'main.cjs agent');
    // While it is away, the profile changes twice and goes.
    await profile(9000);
    await waitReady('tuned', 90);
    expect(await live('node-1', KEY)).toBe('9000');
    await kubectl(
      '-n',
      NAMESPACE,
      'delete',
      'pod',
      (await agents()).get('node-1') ?? '',
      '--grace-period=0',
      '--force',
    );
    await kubectl('delete', 'sysctlprofile', 'tuned');
    await released();
    expect(await live('node-1', KEY)).toBe(before);
  });

  scenario('a manager that is killed goes on where it was', async () => {
    await labelNode('node-1', 'pool=one');
    await labelNode('node-2', 'pool=one');
    await profile(8192, { pods: { allowedUnsafeSysctls: ['kernel.msg*'] } });
    await killManagers();
    await waitReady('tuned', 120);
    for (const node of ['node-1', 'node-2']) {
      expect(await live(node, KEY)).toBe('8192');
      expect((await getState(node)).status?.kubelet?.allowedUnsafeSysctls).toEqual(['kernel.msg*']);
    }
    await kubectl('delete', 'sysctlprofile', 'tuned', '--wait=false');
    await killManagers();
    await released();
    for (const node of ['node-1', 'node-2']) expect(await live(node, KEY)).toBe('4096');
  });
});
