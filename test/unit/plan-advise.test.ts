import { expect, test } from '@jest/globals';
import { resolveProfile } from '../../operator/plan/resolve.ts';
import { SENTENCES } from '../../operator/sysctl/advice/sentences.ts';
import { profile, sysctl } from './support/profiles.ts';

test('the status says where an entry goes and what to know, in two sentences at most', () => {
  const { resolved } = resolveProfile(
    profile('p', {
      sysctls: [
        sysctl('vm.dirty_bytes=1000000'),
        sysctl('vm.dirty_ratio=5'),
        sysctl('kernel.msgmax=65536'),
        sysctl('net/core/somaxconn=4096', { scope: 'Node' }),
        sysctl('vm.max_map_count=262144'),
      ],
      pods: { allowedUnsafeSysctls: ['net.core.*', 'kernel.sem'] },
    }),
  );
  expect(resolved.map(({ name, reason }) => `${name}: ${reason ?? ''}`)).toEqual([
    `vm.dirty_bytes: not namespaced: one value for the whole node; with vm.dirty_ratio: ${SENTENCES.exclusive}`,
    `vm.dirty_ratio: not namespaced: one value for the whole node; with vm.dirty_bytes: ${SENTENCES.exclusive}`,
    `kernel.msgmax: namespaced (ipc) and unsafe: the kubelets of these nodes allow it; ${SENTENCES.asked}`,
    `net.core.somaxconn: scope Node: the node's own net namespace; ${SENTENCES.notPods}`,
    'vm.max_map_count: not namespaced: one value for the whole node',
    `net.core.*: ${SENTENCES.tooWide}, for example with net.core.rmem_max`,
  ]);
});
