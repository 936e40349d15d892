import { describe, expect, test } from '@jest/globals';
import type { Lane, Scope } from '../../operator/api/profile.ts';
import { resolveProfile } from '../../operator/plan/resolve.ts';
import { profile, sysctl } from './support/profiles.ts';

describe('an entry goes', () => {
  test.each<[string, Scope | undefined, Lane, string, string[]]>([
    ['vm.max_map_count=262144', undefined, 'Node', 'none', []],
    ['vm/max_map_count=262144', 'Node', 'Node', 'none', []],
    ['kernel.msgmax=65536', undefined, 'Pod', 'ipc', ['kernel.msgmax']],
    ['kernel.msgmax=65536', 'Node', 'Node', 'ipc', []],
    ['net.core.somaxconn=4096', 'Auto', 'Pod', 'net', ['net.core.somaxconn']],
    ['net/core/somaxconn=4096', 'Pod', 'Pod', 'net', ['net.core.somaxconn']],
    ['net.core.somaxconn=4096', 'Node', 'Node', 'net', []],
    // Safe: every pod may set it, the kubelet needs nothing.
    ['net.ipv4.tcp_keepalive_time=600', undefined, 'Pod', 'net', []],
    ['net.ipv4.tcp_keepalive_time=600', 'Pod', 'Pod', 'net', []],
    ['net.ipv4.tcp_keepalive_time=600', 'Node', 'Node', 'net', []],
    // Safe since 1.37 only.
    ['net.ipv4.tcp_notsent_lowat=1', undefined, 'Pod', 'net', ['net.ipv4.tcp_notsent_lowat']],
    // net.*, but the kernel has it once.
    ['net.core.rmem_max=1', undefined, 'Node', 'none', []],
    ['net.ipv4.neigh.default.gc_thresh3=8192', undefined, 'Node', 'none', []],
    ['net.netfilter.nf_conntrack_max=1048576', undefined, 'Node', 'none', []],
    // Namespaced, but the kubelet does not know it.
    ['kernel.shm_next_id=-1', undefined, 'Node', 'ipc', []],
    ['kernel.pid_max=4194304', undefined, 'Node', 'pid', []],
    ['user.max_user_namespaces=0', undefined, 'Node', 'user', []],
    ['kernel.domainname=x', undefined, 'Node', 'uts', []],
    ['net.ipv6.conf.Eth0.mtu=1400', undefined, 'Node', 'net', []],
    ['net.ipv4.conf.eth0/100.rp_filter=1', undefined, 'Pod', 'net', ['net.ipv4.conf.eth0/100.rp_filter']],
  ])('%s with scope %s: lane %s, namespace %s', (text, scope, lane, namespace, patterns) => {
    const entry = sysctl(text, scope && { scope });
    const result = resolveProfile(profile('p', { sysctls: [entry] }));
    expect(result.problems).toEqual([]);
    expect(result.resolved).toMatchObject([{ lane, namespace, reason: expect.any(String) }]);
    expect(result.patterns).toEqual(patterns);
    expect(result.entries).toHaveLength(lane === 'Node' ? 1 : 0);
  });
});

describe('an entry is left out and named', () => {
  test.each<[string, Scope | undefined, string]>([
    ['nonsense=1', undefined, 'is not a sysctl name'],
    ['kernel.core_pattern=|/bin/x', undefined, 'guarded: the kernel runs its value as root'],
    ['vm/drop_caches=3', undefined, 'guarded: writing it starts an action'],
    ['kernel.sem=250', 'Node', 'takes 4 values, not 1'],
    ['net.ipv4.tcp_mem=1 2 x', undefined, '"x" is not an integer'],
    ['fs.inotify.max_user_watches>=low', undefined, 'AtLeast needs a single integer, not "low"'],
    ['vm.lowmem_reserve_ratio<=1 2', undefined, 'AtMost needs a single integer, not "1 2"'],
    ['vm.swappiness=1', 'Pod', 'scope Pod: it is not namespaced'],
    ['net.core.rmem_max=1', 'Pod', 'scope Pod: a pod sees it, but read-only'],
    ['net.core.netdev_max_backlog=1', 'Pod', 'scope Pod: a pod does not have it'],
    ['kernel.domainname=x', 'Pod', 'scope Pod: "kernel.domainname" is not known to the kubelet'],
    ['kernel.shm_next_id=1', 'Pod', 'scope Pod: "kernel.shm_next_id" is not known to the kubelet'],
    ['net.ipv6.conf.Eth0.mtu=1400', 'Pod', 'scope Pod: "net.ipv6.conf.Eth0.mtu" must have at most'],
  ])('%s with scope %s: %s', (text, scope, message) => {
    const entry = sysctl(text, scope && { scope });
    const result = resolveProfile(profile('p', { sysctls: [entry, sysctl('fs.file-max=1')] }));
    expect(result.problems).toMatchObject([{ message: expect.stringContaining(message) }]);
    expect(result.entries.map((e) => e.name)).toEqual(['fs.file-max']);
  });

  test.each(['net.*.x', 'vm.*', 'kernel.shm_*'])('the bad pattern %s', (pattern) => {
    const result = resolveProfile(profile('p', { pods: { allowedUnsafeSysctls: [pattern, 'net.core.*'] } }));
    expect(result.problems.map((p) => p.name)).toEqual([pattern]);
    expect(result.patterns).toEqual(['net.core.*']);
  });
});

describe('a guarded key', () => {
  test.each([['vm.panic_on_oom'], ['vm/panic_on_oom']])('is taken once %s is acknowledged', (risk) => {
    const sysctls = [sysctl('vm.panic_on_oom=1')];
    const result = resolveProfile(profile('p', { sysctls, acknowledgeRisks: [risk] }));
    expect(result.problems).toEqual([]);
    expect(result.entries).toHaveLength(1);
  });

  test('is not taken because another one is acknowledged', () => {
    const sysctls = [sysctl('vm.panic_on_oom=1')];
    const result = resolveProfile(profile('p', { sysctls, acknowledgeRisks: ['kernel.panic'] }));
    expect(result.problems).toHaveLength(1);
  });
});

describe('what the agent is given', () => {
  test('has one spelling for the name and one for the value', () => {
    const sysctls = [
      sysctl('net/ipv4/conf/eth0.100/rp_filter=0x2', { scope: 'Node' }),
      sysctl('kernel/sem= 250\t256000  32 0100', { scope: 'Node', optional: true }),
      { name: 'vm.swappiness', value: 10 },
    ];
    expect(resolveProfile(profile('p', { sysctls })).entries).toEqual([
      { name: 'net.ipv4.conf.eth0/100.rp_filter', value: '2', match: 'Exact', optional: false },
      { name: 'kernel.sem', value: '250 256000 32 64', match: 'Exact', optional: true },
      { name: 'vm.swappiness', value: '10', match: 'Exact', optional: false },
    ]);
  });

  test('has every pattern once, in the spelling of the kubelet', () => {
    const sysctls = [sysctl('net/core/somaxconn=1'), sysctl('kernel.msgmax=1')];
    const pods = { allowedUnsafeSysctls: ['net/core/somaxconn', 'net/ipv4/*', 'fs.mqueue.*'] };
    expect(resolveProfile(profile('p', { sysctls, pods })).patterns).toEqual([
      'fs.mqueue.*',
      'kernel.msgmax',
      'net.core.somaxconn',
      'net.ipv4.*',
    ]);
  });

  test('warns of a key that kube-proxy sets too', () => {
    const sysctls = [sysctl('net.netfilter.nf_conntrack_max=1')];
    expect(resolveProfile(profile('p', { sysctls })).resolved[0]?.reason).toContain('kube-proxy sets it too');
  });
});
