import { describe, expect, test } from '@jest/globals';
import { normalizeName, procPath } from '../../operator/sysctl/names.ts';

describe('the name of a sysctl', () => {
  test.each<[string, string, string]>([
    ['vm.max_map_count', 'vm.max_map_count', 'vm/max_map_count'],
    ['vm/max_map_count', 'vm.max_map_count', 'vm/max_map_count'],
    ['net/core/somaxconn', 'net.core.somaxconn', 'net/core/somaxconn'],
    [
      'net/ipv4/conf/eth0.100/rp_filter',
      'net.ipv4.conf.eth0/100.rp_filter',
      'net/ipv4/conf/eth0.100/rp_filter',
    ],
    [
      'net.ipv4.conf.eth0/100.rp_filter',
      'net.ipv4.conf.eth0/100.rp_filter',
      'net/ipv4/conf/eth0.100/rp_filter',
    ],
    ['net.ipv4.conf.br/5.rp_filter', 'net.ipv4.conf.br/5.rp_filter', 'net/ipv4/conf/br.5/rp_filter'],
    [
      'kernel.numa_balancing_promote_rate_limit_MBps',
      'kernel.numa_balancing_promote_rate_limit_MBps',
      'kernel/numa_balancing_promote_rate_limit_MBps',
    ],
    ['net.ipv6.conf.Eth0.mtu', 'net.ipv6.conf.Eth0.mtu', 'net/ipv6/conf/Eth0/mtu'],
    ['net.ipv6.conf.veth_.mtu', 'net.ipv6.conf.veth_.mtu', 'net/ipv6/conf/veth_/mtu'],
    ['net.ipv6.conf.eth0@if3.mtu', 'net.ipv6.conf.eth0@if3.mtu', 'net/ipv6/conf/eth0@if3/mtu'],
    ['fs.xfs.age-buffer+1', 'fs.xfs.age-buffer+1', 'fs/xfs/age-buffer+1'],
  ])('%s is %s, kept in %s', (given, name, path) => {
    expect(normalizeName(given)).toBe(name);
    expect(procPath(given)).toBe(path);
    expect(normalizeName(path)).toBe(name);
  });

  test.each([
    '',
    'foo',
    'vm.',
    '.vm.swappiness',
    '/vm/swappiness',
    'vm..swappiness',
    'vm./swappiness',
    '../etc/passwd',
    'vm/../etc/passwd',
    'vm.swappiness/..',
    'net.ipv4.conf.*.rp_filter',
    '-vm.swappiness',
    'vm.swap piness',
    ' vm.swappiness',
    'vm.swappiness\n',
    'vm.swappiness=1',
    `vm.${'x'.repeat(251)}`,
  ])('%j is refused', (name) => {
    expect(() => normalizeName(name)).toThrow(expect.objectContaining({ code: 'InvalidName' }));
    expect(() => procPath(name)).toThrow(expect.objectContaining({ code: 'InvalidName' }));
  });

  test('may have 253 characters', () => {
    const longest = `vm.${'x'.repeat(250)}`;
    expect(normalizeName(longest)).toBe(longest);
  });
});
