import { describe, expect, test } from '@jest/globals';
import type { SysctlEntry } from '../../operator/api/profile.ts';
import { adviceFor, adviceForPattern } from '../../operator/sysctl/advice/entries.ts';
import { laneOf } from '../../operator/sysctl/advice/keys.ts';
import { BOUNDS, EXCLUSIVE, SAME } from '../../operator/sysctl/advice/pairs.ts';
import { SENTENCES } from '../../operator/sysctl/advice/sentences.ts';
import { describe as entryOf } from '../../operator/sysctl/catalog/index.ts';
import { sysctl } from './support/profiles.ts';

/** What is said about the first of these entries, which are one profile. */
function advice(...entries: readonly SysctlEntry[]): string | undefined {
  const advised = entries.map(({ name, value, scope = 'Auto' }) => ({
    name,
    value,
    scope,
    lane: laneOf(name, scope),
  }));
  const onNode = advised.filter(({ lane }) => lane === 'Node');
  const written = new Map(onNode.map(({ name, value }) => [name, String(value)]));
  return advised[0] && adviceFor(advised[0], written);
}
const node = (text: string) => sysctl(text, { scope: 'Node' });
const pod = (text: string) => sysctl(text, { scope: 'Pod' });

describe('on the node', () => {
  test.each([
    ['net.core.somaxconn=1', SENTENCES.notPods],
    ['net.ipv4.tcp_fin_timeout=1', SENTENCES.notPods],
    ['net.ipv6.conf.all.accept_ra=1', SENTENCES.notPods],
    ['kernel.msgmax=1', SENTENCES.notPods],
    ['fs.mqueue.msg_max=1', SENTENCES.notPods],
    ['net.ipv4.tcp_rmem=1 2 3', SENTENCES.newPods],
    ['net.ipv4.tcp_congestion_control=bbr', SENTENCES.newPods],
    ['net.ipv4.conf.default.accept_source_route=0', SENTENCES.newPods],
    ['vm.overcommit_memory=1', SENTENCES.kubelet],
    ['net.netfilter.nf_conntrack_max=1', SENTENCES.kubeProxy],
    ['net.netfilter.nf_conntrack_udp_timeout=1', SENTENCES.kubeProxy],
    ['net.ipv4.conf.eth0.rp_filter=1', 'CNI plugin, kube-proxy, systemd-networkd set it too'],
    ['net.ipv4.ip_forward=1', 'CNI plugin, kube-proxy, systemd-networkd set it too'],
    ['net.ipv6.conf.eth0.proxy_ndp=1', 'CNI plugin sets it too'],
  ])('%s: %s', (text, sentence) => {
    expect(advice(node(text))).toBe(sentence);
  });

  test.each([
    'vm.max_map_count=1',
    'fs.inotify.max_user_watches=1',
    'net.core.rmem_max=1',
    'kernel.pid_max=1',
    // The packets of pods pass through the node.
    'net.netfilter.nf_conntrack_generic_timeout=1',
    'net.bridge.bridge-nf-call-iptables=1',
    // The node's own interface.
    'net.ipv6.conf.eth0.accept_ra=1',
    'net.ipv4.neigh.eth0.gc_stale_time=1',
    'net.ipv4.neigh.default.gc_thresh3=1',
  ])('nothing about %s', (text) => {
    expect(advice(node(text))).toBeUndefined();
  });
});

describe('two entries that fight', () => {
  test.each(EXCLUSIVE)('%s with %s: one becomes 0, unless that is what is wanted', (a, b) => {
    const sentence = `with ${b}: ${SENTENCES.exclusive}`;
    expect(advice(sysctl(`${a}=5`), sysctl(`${b}=5`))).toBe(sentence);
    expect(advice(sysctl(`${b}=5`), sysctl(`${a}=5`))).toBe(`with ${a}: ${SENTENCES.exclusive}`);
    expect(advice(sysctl(`${a}=5`), sysctl(`${b}=0`))).toBeUndefined();
    expect(advice(sysctl(`${a}=5`))).toBeUndefined();
  });

  test.each(SAME)('%s with %s: one value under two names', (a, b) => {
    expect(advice(node(`${a}=5`), node(`${b}=6`))).toBe(`with ${b}: ${SENTENCES.same}`);
    expect(advice(node(`${a}=5`), node(`${b}=5`)) ?? '').not.toContain(SENTENCES.same);
  });

  test.each(BOUNDS)('%s above %s: the kernel refuses that', (low, high) => {
    const sentence = `${low} is above ${high}, which the kernel refuses`;
    expect(advice(node(`${low}=6`), node(`${high}=5 9`))).toBe(sentence);
    expect(advice(node(`${high}=5 9`), node(`${low}=6`))).toBe(sentence);
    expect(advice(node(`${low}=5`), node(`${high}=5 9`))).not.toBe(sentence);
  });

  test('as the catalog says', () => {
    for (const [low, high] of BOUNDS) expect(entryOf(low)?.coupled?.names).toContain(high);
    expect(EXCLUSIVE.map((pair) => pair.join(' '))).toContain('vm.dirty_bytes vm.dirty_ratio');
    expect(SAME.map((pair) => pair.join(' '))).toContain('net.ipv4.conf.all.forwarding net.ipv4.ip_forward');
  });
});

describe('in pods', () => {
  test('a value that nobody writes is told of, unless scope Pod says that this is known', () => {
    expect(advice(sysctl('kernel.msgmax=1'))).toBe(SENTENCES.asked);
    expect(advice(pod('kernel.msgmax=1'))).toBe('pods set it in securityContext.sysctls');
  });

  test('a value of another shape', () => {
    expect(advice(pod('kernel.sem=250'))).toBe(
      'pods set it in securityContext.sysctls, but not to this value: takes 4 values, not 1 ("250")',
    );
  });

  test('an interface with a dot', () => {
    expect(advice(sysctl('net.ipv4.conf.eth0/100.rp_filter=1'))).toContain('an interface that has a dot');
  });

  test('a key that nobody can write', () => {
    expect(advice(sysctl('net.netfilter.nf_conntrack_count=1'))).toBe(SENTENCES.unsettable);
  });
});

describe('a pattern', () => {
  test.each([
    ['net.*', `${SENTENCES.wholeNode}; ${SENTENCES.tooWide}, for example with net.core.rmem_max`],
    [
      'net/netfilter/*',
      `${SENTENCES.wholeNode}; ${SENTENCES.tooWide}, for example with net.netfilter.nf_conntrack_max`,
    ],
    ['net.netfilter.nf_hooks_*', SENTENCES.wholeNode],
    ['net.ipv4.tcp_*', `${SENTENCES.tooWide}, for example with net.ipv4.tcp_mem`],
    ['net.ipv4.neigh.*', `${SENTENCES.tooWide}, for example with net.ipv4.neigh.default.gc_thresh3`],
    ['kernel.shm*', `${SENTENCES.tooWide}, for example with kernel.shm_next_id`],
    ['kernel.msg*', `${SENTENCES.tooWide}, for example with kernel.msg_next_id`],
    ['net.core.rmem_max', SENTENCES.unsettable],
    ['net/nf_conntrack_max', SENTENCES.unsettable],
  ])('%s: %s', (pattern, sentence) => {
    expect(adviceForPattern(pattern)).toBe(sentence);
  });

  test.each([
    'net.core.somaxconn',
    'net.ipv4.tcp_keepalive_*',
    'fs.mqueue.*',
    'kernel.sem',
    'net.ipv6.conf.eth0.*',
  ])('nothing about %s', (pattern) => {
    expect(adviceForPattern(pattern)).toBeUndefined();
  });
});
