import { describe, expect } from '@jest/globals';
import { addNode, removeNode } from '../cluster/tool/cluster.ts';
import {
  agents,
  apply,
  applyProfile,
  deletePod,
  DROP_IN,
  eventually,
  fileOnNode,
  getState,
  kubectl,
  kubectlJson,
  kubeletPid,
  labelNode,
  live,
  names,
  nodeLabels,
  onNode,
  pod,
  podReady,
  waitReady,
} from './support/cluster.ts';
import { onCleanNodes, scenario } from './support/scene.ts';

const SEARCH = {
  nodeSelector: { matchLabels: { workload: 'search' } },
  sysctls: [
    { name: 'vm.max_map_count', value: 262_144 },
    { name: 'fs.inotify.max_user_instances', value: 8192 },
    { name: 'net.core.somaxconn', value: 8192, scope: 'Node' },
    { name: 'kernel.msgmax', value: 65_536 },
  ],
};
const KEYS = ['vm.max_map_count', 'fs.inotify.max_user_instances', 'net.core.somaxconn'] as const;
const valuesOn = (node: string): Promise<string[]> => Promise.all(KEYS.map((key) => live(node, key)));

interface PodStatus {
  status: {
    phase: string;
    reason?: string;
    containerStatuses?: { restartCount: number; containerID: string }[];
  };
}
const podStatus = async (name: string): Promise<PodStatus['status']> =>
  (await kubectlJson<PodStatus>('get', 'pod', name)).status;

/** Resolves when the node is no longer managed. */
const released = async (node: string): Promise<void> => {
  await eventually(
    () => names('nodesysctlstates'),
    (found) => !found.includes(`nodesysctlstate.sysctl-operator.dev/${node}`),
    `the state of ${node} is left`,
  );
  await eventually(
    () => nodeLabels(node),
    (labels) => !Object.keys(labels).some((key) => key.includes('sysctl-operator.dev')),
    `${node} has labels of ours`,
  );
  await eventually(agents, (found) => !found.has(node), `${node} has an agent`);
};

describe('a profile for some nodes', () => {
  onCleanNodes();

  scenario(
    'is in force on the matching node alone, in the kernel, in the kubelet and for a pod',
    async () => {
      const before = await valuesOn('node-1');
      const untouched = await kubeletPid('node-2');
      await apply(pod('forbidden', 'node-1', { 'kernel.msgmax': '65536' }));
      await eventually(
        () => podStatus('forbidden'),
        ({ reason }) => reason === 'SysctlForbidden',
        'the pod is not refused',
      );
      await apply(pod('bystander', 'node-1', {}));
      await podReady('bystander');
      const bystander = await podStatus('bystander');

      await labelNode('node-1', 'workload=search');
      await applyProfile('search', SEARCH);
      await waitReady('search');
      expect(await valuesOn('node-1')).toEqual(['262144', '8192', '8192']);
      await apply(pod('needs-msgmax', 'node-1', { 'kernel.msgmax': '65536' }));
      await podReady('needs-msgmax');
      expect(await kubectl('exec', 'needs-msgmax', '--', 'cat', '/proc/sys/kernel/msgmax')).toBe('65536\n');
      expect(await live('node-1', 'kernel.msgmax')).toBe('8192');

      const state = await getState('node-1');
      expect(state.status).toMatchObject({
        originals: Object.fromEntries(KEYS.map((key, i) => [key, before[i]])),
        kubelet: { state: 'Synced', allowedUnsafeSysctls: ['kernel.msgmax'], configPath: DROP_IN },
      });
      // The pod that ran while the kubelet was restarted runs on.
      expect((await podStatus('bystander')).containerStatuses).toMatchObject(
        (bystander.containerStatuses ?? []).map(({ containerID }) => ({ containerID, restartCount: 0 })),
      );

      // node-2 has nothing of it.
      expect(await live('node-2', 'net.core.somaxconn')).toBe('4096');
      expect([...(await agents()).keys()]).toEqual(['node-1']);
      expect(
        Object.keys(await nodeLabels('node-2')).filter((key) => key.includes('sysctl-operator.dev')),
      ).toEqual([]);
      expect(await names('nodesysctlstates')).toEqual(['nodesysctlstate.sysctl-operator.dev/node-1']);
      expect(await kubeletPid('node-2')).toBe(untouched);
      expect(await fileOnNode('node-2', DROP_IN)).toBe('');

      // A change that the kubelet need not know does not restart it.
      const pid = await kubeletPid('node-1');
      await applyProfile('search', {
        ...SEARCH,
        sysctls: SEARCH.sysctls.with(2, { name: 'net.core.somaxconn', value: 9000, scope: 'Node' }),
      });
      await waitReady('search');
      expect(await live('node-1', 'net.core.somaxconn')).toBe('9000');
      expect(await kubeletPid('node-1')).toBe(pid);

      // As long as a pod runs with it, the kubelet's list keeps its entry: else the kubelet would kill the pod. A kubelet that has just
      // started does not know of the pod yet.
      await onNode('node-1', 'systemctl', 'restart', 'kubelet');
      await kubectl('delete', 'sysctlprofile', 'search');
      await eventually(
        () => getState('node-1'),
        ({ status }) => status?.kubelet?.state === 'Held',
        'the entry is not held',
      );
      expect((await getState('node-1')).status?.kubelet?.message).toBe(
        'kept as long as running pods use it: "kernel.msgmax" for default/needs-msgmax',
      );
      expect(await valuesOn('node-1')).toEqual(before);
      expect((await podStatus('needs-msgmax')).phase).toBe('Running');
      await deletePod('needs-msgmax');
      await released('node-1');
      expect(await fileOnNode('node-1', DROP_IN)).toBe('');
      expect(await kubeletPid('node-1')).not.toBe(pid);
    },
  );

  scenario(
    'reaches a node that is relabelled later and leaves one that no longer matches, in that order: values, kubelet, agent',
    async () => {
      await labelNode('node-1', 'workload=search');
      await applyProfile('search', SEARCH);
      await waitReady('search');
      const before = await live('node-2', 'net.core.somaxconn');
      await labelNode('node-2', 'workload=search');
      await eventually(
        () => live('node-2', 'net.core.somaxconn'),
        (value) => value === '8192',
        'node-2 is not tuned',
      );
      await eventually(
        () => getState('node-2'),
        ({ status }) => status?.kubelet?.state === 'Synced',
        'the kubelet of node-2 is not configured',
      );
      await waitReady('search');

      // Watches the agent's label go: by then the values and the kubelet's list have to be back.
      await labelNode('node-2', 'workload-');
      await eventually(
        () => nodeLabels('node-2'),
        (labels) => labels['sysctl-operator.dev/agent'] === undefined,
        'node-2 still has the agent label',
      );
      expect(await live('node-2', 'net.core.somaxconn')).toBe(before);
      expect(await fileOnNode('node-2', DROP_IN)).toBe('');
      await released('node-2');
      await waitReady('search');
      expect(await live('node-1', 'net.core.somaxconn')).toBe('8192');
    },
  );

  scenario(
    'reaches a node that joins, whose kubelet has its main file alone, and gives that file back byte for byte',
    async () => {
      await applyProfile('search', SEARCH);
      await waitReady('search');
      try {
        await addNode('node-3', { configDir: false, labels: { workload: 'search' } });
        await eventually(
          () => getState('node-3').catch(() => undefined),
          (state) => state?.status?.kubelet?.state === 'Synced',
          'the kubelet of node-3 is not configured',
        );
        await waitReady('search');
        expect(await live('node-3', 'net.core.somaxconn')).toBe('8192');
        const state = await getState('node-3');
        expect(state.status?.kubelet).toMatchObject({
          configPath: '/var/lib/kubelet/config.yaml',
          allowedUnsafeSysctls: ['kernel.msgmax'],
        });
        const config = await fileOnNode('node-3', '/var/lib/kubelet/config.yaml');
        expect(config).toContain('# The kubelet of node-3, laid out as kubeadm does.');
        expect(config).toContain('failCgroupV1: false # refused by default since 1.36');
        const original = config.replace(/\nallowedUnsafeSysctls:\n {2}- "kernel\.msgmax"$/, '');
        expect(original).not.toBe(config);

        await kubectl('delete', 'sysctlprofile', 'search');
        await released('node-3');
        expect((await fileOnNode('node-3', '/var/lib/kubelet/config.yaml')).trim()).toBe(original.trim());
        expect(await live('node-3', 'net.core.somaxconn')).toBe('4096');
      } finally {
        await removeNode('node-3');
      }
    },
  );

  scenario('lets go of a node that is deleted, before or after the profile is', async () => {
    const somaxconn = {
      sysctls: [{ name: 'net.core.somaxconn', value: 8192, scope: 'Node' }],
      nodeSelector: { matchLabels: { pool: 'short' } },
    };
    for (const order of [
      ['node', 'profile'],
      ['profile', 'node'],
    ]) {
      await applyProfile('short', somaxconn);
      await addNode('node-3', { labels: { pool: 'short' } });
      try {
        await eventually(
          () => live('node-3', 'net.core.somaxconn'),
          (value) => value === '8192',
          'node-3 is not tuned',
        );
        for (const what of order)
          await (what === 'node'
            ? removeNode('node-3')
            : kubectl('delete', 'sysctlprofile', 'short', '--timeout=20s'));
        await eventually(
          () => names('nodesysctlstates'),
          (found) => found.length === 0,
          `a state is left (${order.join(', then ')})`,
        );
        expect(await names('sysctlprofiles')).toEqual([]);
      } finally {
        await removeNode('node-3');
      }
    }
  });

  scenario('is never Ready for an older generation, not for a moment', async () => {
    await labelNode('node-1', 'workload=search');
    await labelNode('node-2', 'workload=search');
    for (let value = 5000; value < 5010; value++) {
      await applyProfile('quick', {
        nodeSelector: { matchLabels: { workload: 'search' } },
        sysctls: [{ name: 'net.core.somaxconn', value, scope: 'Node' }],
      });
      await waitReady('quick');
      const found = await Promise.all(
        ['node-1', 'node-2'].map((node) => onNode(node, 'cat', '/proc/sys/net/core/somaxconn')),
      );
      expect(found).toEqual([String(value), String(value)]);
    }
  });
});
