import { describe, expect } from '@jest/globals';
import { conditionOf } from '../../operator/api/conditions.ts';
import {
  agents,
  applyProfile,
  DROP_IN,
  events,
  eventually,
  fileOnNode,
  getProfile,
  getState,
  kubectl,
  kubectlJson,
  kubeletPid,
  labelNode,
  live,
  NAMESPACE,
  onNode,
  waitCondition,
  waitReady,
} from './support/cluster.ts';
import { onCleanNodes, scenario } from './support/scene.ts';

const ON_NODE_1 = { matchLabels: { pool: 'one' } };
const FAIL = '/usr/lib/node-units/kubelet.service.d/refuse.conf';

async function restartsOfAgent(): Promise<number> {
  const name = (await agents()).get('node-1') ?? '';
  const { status } = await kubectlJson<{ status: { containerStatuses: { restartCount: number }[] } }>(
    '-n',
    NAMESPACE,
    'get',
    'pod',
    name,
  );
  return status.containerStatuses[0]?.restartCount ?? -1;
}

describe('what fails', () => {
  onCleanNodes();

  scenario(
    'one bad key of each kind among good ones: the good ones are applied, the bad ones told by name, other profiles stay Ready',
    async () => {
      await labelNode('node-1', 'pool=one');
      await applyProfile('other', {
        nodeSelector: ON_NODE_1,
        sysctls: [{ name: 'net.ipv4.tcp_max_syn_backlog', value: 3000, scope: 'Node' }],
      });
      await waitReady('other');
      const good = {
        'net.core.somaxconn': 8192,
        'net.ipv4.ip_local_port_range': '20000 60000',
        'net.ipv4.tcp_keepalive_time': 600,
        'net.ipv4.tcp_fin_timeout': 30,
        'net.ipv4.tcp_rmem': '4096 131072 8388608',
        'kernel.msgmnb': 70_000,
        'kernel.msgmni': 31_000,
      };
      const bad = { 'net.ipv4.no_such_key': 1, 'kernel.shmmni': 9_999_999, 'kernel.osrelease': '7.0' };
      const before = await Promise.all(Object.keys(good).map((name) => live('node-1', name)));
      const sysctls = Object.entries({ ...good, ...bad }).map(([name, value]) => ({
        name,
        value,
        scope: 'Node',
      }));
      await applyProfile('mixed', { nodeSelector: ON_NODE_1, sysctls });
      const profile = await waitCondition(
        'mixed',
        ({ status, reason }) => status === 'False' && reason !== 'RollingOut',
      );

      for (const [name, value] of Object.entries(good))
        expect((await live('node-1', name)).replaceAll(/\s+/g, ' ')).toBe(String(value));
      const failures = profile.status?.failures ?? [];
      expect(failures.map(({ node, name }) => `${node} ${name}`).toSorted()).toEqual(
        Object.keys(bad)
          .toSorted()
          .map((name) => `node-1 ${name}`),
      );
      const message = (name: string): string => failures.find((f) => f.name === name)?.message ?? '';
      expect(message('net.ipv4.no_such_key')).toContain('ENOENT');
      expect(message('kernel.shmmni')).toContain('EINVAL');
      expect(message('kernel.osrelease')).toMatch(/EACCES|read-only/);
      expect(conditionOf(profile.status?.conditions, 'Ready')?.message).toContain('node-1');
      expect(conditionOf((await getProfile('other')).status?.conditions, 'Ready')?.status).toBe('True');
      expect(await restartsOfAgent()).toBe(0);
      const told = await events('SysctlProfile', 'mixed');
      expect(told.some(({ type }) => type === 'Warning')).toBe(true);

      await kubectl('delete', 'sysctlprofile', 'mixed');
      await eventually(
        () => getState('node-1'),
        ({ status }) => Object.keys(status?.originals ?? {}).length === 1,
        'originals are left',
      );
      expect(await Promise.all(Object.keys(good).map((name) => live('node-1', name)))).toEqual(before);
      await waitReady('other');
    },
  );

  scenario('a kubelet that does not come up with the new list gets its old configuration back', async () => {
    await labelNode('node-1', 'pool=one');
    await applyProfile('first', {
      nodeSelector: ON_NODE_1,
      sysctls: [{ name: 'kernel.msgmax', value: 65_536, scope: 'Pod' }],
    });
    await waitReady('first');
    const before = await fileOnNode('node-1', DROP_IN);
    const refuse = `[Service]\nExecStartPre=/bin/sh -c "! grep -q msgmnb ${DROP_IN}"\n`;
    try {
      await onNode(
        'node-1',
        'sh',
        '-c',
        `mkdir -p ${FAIL.slice(0, FAIL.lastIndexOf('/'))} && printf '%s' '${refuse}' > ${FAIL} && systemctl daemon-reload`,
      );
      await applyProfile('second', {
        nodeSelector: ON_NODE_1,
        sysctls: [{ name: 'kernel.msgmnb', value: 70_000, scope: 'Pod' }],
      });
      const profile = await waitCondition(
        'second',
        ({ status, reason }) => status === 'False' && reason !== 'RollingOut',
        90_000,
      );
      expect(profile.status?.failures).toEqual([
        {
          node: 'node-1',
          name: 'kernel.msgmnb',
          message: expect.stringMatching(
            /^the kubelet did not come up with "kernel\.msgmnb" allowed: .*; the old configuration is back and it runs$/,
          ),
        },
      ]);
      expect(await fileOnNode('node-1', DROP_IN)).toBe(before);
      const state = await getState('node-1');
      expect(state.status?.kubelet).toMatchObject({
        state: 'Failed',
        allowedUnsafeSysctls: ['kernel.msgmax'],
      });
      await kubectl('wait', '--for=condition=Ready', 'node/node-1', '--timeout=10s');
      // The other profile has what it needs, and nothing is tried again and again.
      expect(conditionOf((await getProfile('first')).status?.conditions, 'Ready')?.status).toBe('True');
      const pid = await kubeletPid('node-1');
      await new Promise((resolve) => setTimeout(resolve, 5000));
      expect(await kubeletPid('node-1')).toBe(pid);
    } finally {
      await onNode('node-1', 'sh', '-c', `rm -f ${FAIL} && systemctl daemon-reload`);
    }
    // Another list is tried.
    await applyProfile('second', {
      nodeSelector: ON_NODE_1,
      sysctls: [
        { name: 'kernel.msgmnb', value: 70_000, scope: 'Pod' },
        { name: 'kernel.msgmni', value: 31_000, scope: 'Pod' },
      ],
    });
    await waitReady('second');
    await waitReady('first');
  });
});
