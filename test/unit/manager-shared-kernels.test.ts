import { expect, test } from '@jest/globals';
import type { NodeSysctlState } from '../../operator/api/state.ts';
import { sharedKernels } from '../../operator/manager/shared-kernels.ts';
import { nodeState } from './support/manager-fakes.ts';

/** As it comes from the API server: nothing of it is shared. */
const state = (node: string, missing: string): NodeSysctlState =>
  nodeState(node, { revision: 'r', kernel: { digest: 'd', differences: { missing: [missing] } } });

test('states of nodes with the same kernel hold one copy of what it is', () => {
  const share = sharedKernels();
  const [a, b, c] = [share(state('a', 'vm.x')), share(state('b', 'vm.x')), share(state('c', 'vm.y'))];
  expect(b.status?.kernel).toBe(a.status?.kernel);
  expect(c.status?.kernel).toEqual(state('c', 'vm.y').status?.kernel);
});

test('a state without a kernel stays as it is', () => {
  const plain = nodeState('a', { revision: 'r' });
  expect(sharedKernels()(plain)).toEqual(nodeState('a', { revision: 'r' }));
  expect(plain.status).not.toHaveProperty('kernel');
});

test('however many kernels there are, each state keeps its own', () => {
  const share = sharedKernels();
  const names = Array.from({ length: 250 }, (_, i) => `vm.x${i}`);
  const states = names.map((name) => share(state('a', name)));
  expect(states.map((s) => s.status?.kernel?.differences?.missing)).toEqual(names.map((name) => [name]));
  expect(share(state('b', 'vm.x249')).status?.kernel).toBe(states[249]?.status?.kernel);
  // The oldest ones are forgotten.
  expect(share(state('b', 'vm.x0')).status?.kernel).not.toBe(states[0]?.status?.kernel);
});
