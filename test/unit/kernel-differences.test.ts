import { describe, expect, test } from '@jest/globals';
import type { KernelStatus } from '../../operator/api/state.ts';
import { describeKernel } from '../../operator/sysctl/kernel/differences.ts';
import { KernelView } from '../../operator/sysctl/kernel/view.ts';
import { KNOWN, measuredKernel, type KernelDraft } from './support/kernels.ts';

const differences = (draft: KernelDraft = {}): KernelStatus['differences'] =>
  describeKernel(measuredKernel(draft), KNOWN).differences;
const digest = (draft: KernelDraft = {}): string => describeKernel(measuredKernel(draft), KNOWN).digest;

describe('what is told of a kernel', () => {
  test('is a digest alone where it is as the catalog says', () => {
    expect(describeKernel(measuredKernel(), KNOWN)).toEqual({
      digest: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });

  test.each<[string, KernelDraft, KernelStatus['differences']]>([
    [
      'a key that new network namespaces lack',
      { fresh: { 'net.core.somaxconn': undefined } },
      { absent: ['net.core.somaxconn'] },
    ],
    [
      'a key that new network namespaces can only read',
      { fresh: { 'net.core.somaxconn': false } },
      { readOnly: ['net.core.somaxconn'] },
    ],
    [
      'a key that became namespaced',
      { fresh: { 'net.core.rmem_max': true, 'net.core.netdev_max_backlog': true } },
      { own: ['net.core.netdev_max_backlog', 'net.core.rmem_max'] },
    ],
    [
      'a key that nobody knows and new network namespaces lack',
      { host: { 'net.core.brand_new': true } },
      { absent: ['net.core.brand_new'] },
    ],
    [
      'a key that the node lacks',
      { host: { 'vm.max_map_count': undefined } },
      { missing: ['vm.max_map_count'] },
    ],
    [
      'a folder that the node lacks',
      { host: { 'net.ipv4.vs.conntrack': undefined, 'net.ipv4.vs.conn_reuse_mode': undefined } },
      { missing: ['net.ipv4.vs.*'] },
    ],
    [
      'a key that nobody may write',
      { host: { 'vm.max_map_count': false } },
      { notWritable: ['vm.max_map_count'] },
    ],
    [
      'a file that no interface has',
      { host: { 'net.ipv4.conf.lo.forwarding': undefined } },
      { missing: ['net.ipv4.conf.*.forwarding'] },
    ],
    [
      'a file of every interface',
      { fresh: { 'net.ipv4.conf.lo.forwarding': false, 'net.ipv4.conf.all.forwarding': false } },
      { readOnly: ['net.ipv4.conf.*.forwarding'] },
    ],
    [
      'a file of one interface only',
      { fresh: { 'net.ipv4.conf.all.forwarding': false } },
      { readOnly: ['net.ipv4.conf.all.forwarding'] },
    ],
    [
      'an IPC key that is not one, where the kernel asks for namespaces',
      { notPermitted: ['kernel.shmmax'] },
      { shared: ['kernel.shmmax'] },
    ],
    [
      'pid_max before it was namespaced',
      { notPermitted: ['kernel.pid_max'] },
      { shared: ['kernel.pid_max'] },
    ],
  ])('%s', (_, draft, expected) => {
    expect(differences(draft)).toEqual(expected);
  });

  test.each<[string, KernelDraft]>([
    [
      'IPC keys where the kernel asks for root only',
      { notPermitted: ['kernel.sem', 'kernel.msgmax', 'kernel.shmmax', 'fs.mqueue.msg_max'] },
    ],
    ['message queues where it asks for root only there', { notPermitted: ['fs.mqueue.msg_max'] }],
    [
      'pid_max where user namespaces have no rights',
      { notPermitted: ['kernel.pid_max', 'user.max_user_namespaces'] },
    ],
    ['the key that every namespace shares', { fresh: { 'net.netfilter.nf_hooks_lwtunnel': true } }],
    ['network namespaces that could not be made', { fresh: 'none' }],
  ])('nothing of %s', (_, draft) => {
    expect(differences(draft)).toBeUndefined();
  });

  test('is the same whatever the order of the files', () => {
    const draft: KernelDraft = { host: { 'net.core.brand_new': true, 'vm.swappiness': undefined } };
    const { host, fresh, ...rest } = measuredKernel(draft);
    const turned = {
      ...rest,
      host: new Map([...host].toReversed()),
      fresh: new Map([...fresh].toReversed()),
    };
    expect(describeKernel(turned, KNOWN.toReversed())).toEqual(describeKernel(measuredKernel(draft), KNOWN));
  });

  test.each<[string, KernelDraft]>([
    ['a file that nobody knows', { host: { 'vm.brand_new': true } }],
    ['a file that is not there', { host: { 'vm.swappiness': undefined } }],
    ['a file that became read-only', { host: { 'vm.swappiness': false } }],
    ['a file that pods lack', { fresh: { 'net.core.somaxconn': undefined } }],
  ])('has another digest for %s', (_, draft) => {
    expect(digest(draft)).not.toBe(digest());
  });

  test('is at most 100 names and how many more; what decides for pods comes first', () => {
    const strange = Array.from({ length: 30 }, (_, i) => `net.core.strange${i}`);
    const lacking = Array.from({ length: 120 }, (_, i) => `vm.gone${i}`);
    const kernel = measuredKernel({ host: Object.fromEntries(strange.map((name) => [name, true])) });
    const status = describeKernel(kernel, [...KNOWN, ...lacking, 'net.core.gone']);
    expect(status.differences?.absent).toHaveLength(30);
    expect(status.differences?.missing).toHaveLength(70);
    expect(status.differences?.missing).toContain('net.core.gone');
    expect(status.more).toBe(51);
  });
});

describe('a kernel, as its node tells of it', () => {
  const view = new KernelView({
    digest: 'd',
    differences: {
      own: ['net.core.rmem_max', 'kernel.brand_new'],
      readOnly: ['net.ipv4.conf.*.forwarding'],
      absent: ['net.core.somaxconn'],
      missing: ['net.ipv4.vs.*', 'kernel.msgmax'],
      notWritable: ['vm.swappiness'],
    },
  });

  test.each([
    ['net.core.rmem_max', 'net', 'own'],
    ['net.core.somaxconn', 'none', 'absent'],
    ['net.ipv4.conf.eth0/100.forwarding', 'none', 'readOnly'],
    ['net.ipv4.conf.all.rp_filter', 'net', 'own'],
    ['net.core.wmem_max', 'none', 'readOnly'],
    ['kernel.msgmax', 'ipc', 'own'],
    ['vm.swappiness', 'none', 'shared'],
  ])('%s is in namespace %s, in pods %s', (name, namespace, podPresence) => {
    expect(view.placement(name)).toEqual({ namespace, podPresence });
  });

  test.each([
    ['net.ipv4.vs.conntrack', 'this kernel does not have it'],
    ['net.ipv4.vs.*', 'this kernel does not have it'],
    ['net.ipv4.vs.con*', 'this kernel does not have it'],
    ['net.core.somaxconn', 'this kernel has it for the whole node only'],
    ['net.ipv4.conf.eth0.forwarding', 'a pod can only read it'],
  ])('refuses %s to pods: %s', (pattern, why) => {
    expect(view.refusesPods(pattern)).toContain(why);
  });

  test.each([
    'net.ipv4.*',
    'net.ipv4.v*',
    'net.core.*',
    'net.core.rmem_max',
    'net.core.busy_poll',
    'vm.swappiness',
  ])('has nothing to say against %s', (pattern) => {
    expect(view.refusesPods(pattern)).toBeUndefined();
  });
});
