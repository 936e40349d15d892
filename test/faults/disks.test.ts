import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { existing } from '../cluster/tool/cluster.ts';
import {
  applyProfile,
  getState,
  kubectl,
  labelNode,
  live,
  waitCondition,
  waitReady,
} from '../node/support/cluster.ts';
import { onCleanNodes, scenario } from '../node/support/scene.ts';
import { Disk } from './support/disk.ts';

const KEY = 'net.core.somaxconn';
const profile = (value: number, patterns: readonly string[] = []): Promise<string> =>
  applyProfile('stored', {
    nodeSelector: { matchLabels: { pool: 'one' } },
    sysctls: [{ name: KEY, value, scope: 'Node' }],
    pods: { allowedUnsafeSysctls: patterns },
  });

describe('a node whose disk', () => {
  let disk: Disk;

  beforeAll(async () => {
    disk = new Disk(existing(), 'node-1');
    await disk.separate();
  });
  onCleanNodes();
  afterAll(async () => {
    await disk.writableEtc();
    await disk.join();
  });

  scenario('is full keeps what it has, says so, and goes on when there is room', async () => {
    await labelNode('node-1', 'pool=one');
    await profile(5001);
    await waitReady('stored');
    await disk.fill();
    try {
      await profile(5002);
      const { status } = await waitCondition('stored', ({ reason }) => reason === 'NodeFailed');
      expect(status?.failures?.[0]).toMatchObject({
        node: 'node-1',
        message: expect.stringContaining('ledger.json cannot be written'),
      });
      expect(await live('node-1', KEY)).toBe('5001');
    } finally {
      await disk.empty();
    }
    await waitReady('stored');
    expect(await live('node-1', KEY)).toBe('5002');
  });

  scenario(
    'has a read-only /etc has its kernel set and its kubelet left alone, until it can be written',
    async () => {
      await labelNode('node-1', 'pool=one');
      await disk.readOnlyEtc();
      try {
        await profile(5003, ['kernel.msgmax']);
        const { status } = await waitCondition('stored', ({ reason }) => reason === 'NodeFailed');
        expect(status?.failures?.[0]).toMatchObject({
          node: 'node-1',
          name: 'kernel.msgmax',
          message: expect.stringContaining('EROFS'),
        });
        expect(await live('node-1', KEY)).toBe('5003');
        await kubectl('wait', '--for=condition=Ready', 'node/node-1', '--timeout=10s');
      } finally {
        await disk.writableEtc();
      }
      // What could not be written is tried again after two minutes.
      await waitReady('stored', 180);
      expect((await getState('node-1')).status?.kubelet).toMatchObject({
        state: 'Synced',
        allowedUnsafeSysctls: ['kernel.msgmax'],
      });
    },
  );
});
