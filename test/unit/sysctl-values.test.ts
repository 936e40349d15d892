import { describe, expect, test } from '@jest/globals';
import type { Match } from '../../operator/api/profile.ts';
import { canonicalValue, checkShape, kernelInteger, satisfies } from '../../operator/sysctl/values.ts';

describe('an integer', () => {
  test.each<[string, bigint]>([
    ['0', 0n],
    ['-1', -1n],
    ['-0', 0n],
    ['0x10', 16n],
    ['0XfF', 255n],
    ['010', 8n],
    ['-010', -8n],
    ['18446744073692774399', 18446744073692774399n],
  ])('%j is read as the kernel reads it: %s', (text, value) => {
    expect(kernelInteger(text)).toBe(value);
  });

  test.each(['', '+1', '1.5', '1k', '1,2', 'abc', 'on', '0x', '08', '1 2', ' 1', '--1', '1e3', '1\0'])(
    '%j is none',
    (text) => {
      expect(kernelInteger(text)).toBeUndefined();
    },
  );
});

describe('the canonical form', () => {
  test.each<[string, string, string]>([
    ['vm.swappiness', '  10\n', '10'],
    ['vm.swappiness', '0xa', '10'],
    ['kernel.sem', '32000\t1024000000\t500\t32000', '32000 1024000000 500 32000'],
    ['kernel.sem', ' 32000  0x10\t010 1', '32000 16 8 1'],
    ['net.ipv4.tcp_congestion_control', 'bbr\n', 'bbr'],
    ['net.ipv4.tcp_available_ulp', 'espintcp  mptcp', 'espintcp mptcp'],
    ['net.ipv4.ip_local_reserved_ports', '3,1,2', '1-3'],
    ['net.ipv4.ip_local_reserved_ports', '1-5,3-9', '1-9'],
    ['net.ipv4.ip_local_reserved_ports', '8080,', '8080'],
    ['net.ipv4.ip_local_reserved_ports', '9000,80-81,82', '80-82,9000'],
    ['net.ipv4.ip_local_reserved_ports', '10-20,12-14', '10-20'],
    ['net.ipv4.ip_local_reserved_ports', '\n', ''],
    ['net.ipv4.ip_local_reserved_ports', 'http', 'http'],
    ['net.core.rps_default_mask', '00000003', '3'],
    ['net.core.rps_default_mask', '00000000,0000000F', 'f'],
    ['net.core.rps_default_mask', '00000001,00000000', '1,00000000'],
    ['net.core.flow_limit_cpu_bitmap', '00000000,00000000', '0'],
    ['net.core.flow_limit_cpu_bitmap', '10', '10'],
    ['fs.xfs.panic_mask', '0x10', '16'],
  ])('of %s=%j is %j', (name, raw, canonical) => {
    expect(canonicalValue(name, raw)).toBe(canonical);
    expect(canonicalValue(name, canonical)).toBe(canonical);
  });
});

describe('a live value', () => {
  test.each<[live: string, match: Match, wanted: string, good: boolean]>([
    ['8192', 'Exact', '8192', true],
    ['8192', 'Exact', '0x2000', true],
    ['8192', 'Exact', '8191', false],
    ['8192', 'AtLeast', '8192', true],
    ['8193', 'AtLeast', '8192', true],
    ['8191', 'AtLeast', '8192', false],
    ['8191', 'AtMost', '8192', true],
    ['8192', 'AtMost', '8192', true],
    ['8193', 'AtMost', '8192', false],
    ['-1', 'AtLeast', '0', false],
    ['9', 'AtLeast', '10', false],
    ['18446744073709551615', 'AtLeast', '18446744073709551614', true],
    ['18446744073709551614', 'AtLeast', '18446744073709551615', false],
    ['1 2', 'AtLeast', '1', false],
    ['1\t2', 'AtLeast', '1 2', true],
  ])('of %s is judged as %s %s: %s', (live, match, wanted, good) => {
    expect(satisfies('fs.inotify.max_user_instances', live, wanted, match)).toBe(good);
  });
});

describe('the shape of a value', () => {
  test.each<[string, string, string | undefined]>([
    ['kernel.sem', '250 256000 32 1024', undefined],
    ['kernel.sem', '250\t256000\t32\t1024', undefined],
    ['net.ipv4.ip_local_port_range', '1024 65000', undefined],
    ['vm.swappiness', '10', '60'],
    ['vm.lowmem_reserve_ratio', '256 256 32 0 0', '256\t256\t32\t0\t0'],
    ['net.ipv4.tcp_congestion_control', 'bbr', 'cubic'],
    ['net.core.rps_default_mask', 'ff', '3'],
    ['net.ipv4.ip_local_reserved_ports', '80,90', '8080'],
    ['kernel.core_pattern', '|/usr/lib/x %p %s', 'core'],
    ['kernel.hostname', '', 'node'],
  ])('of %s=%j is right where %j is live', (name, value, live) => {
    expect(checkShape(name, value, live)).toBeUndefined();
  });

  test.each<[string, string, string | undefined, string]>([
    // Each of these the kernel would take in part and call it done.
    ['kernel.sem', '250', undefined, 'takes 4 values, not 1 ("250")'],
    ['kernel.sem', '1 2 3 4 5', undefined, 'takes 4 values, not 5 ("1 2 3 4 5")'],
    ['kernel.sem', '1 2 x 3', undefined, '"x" is not an integer'],
    ['net.ipv4.tcp_rmem', '4096 131072', undefined, 'takes 3 values, not 2 ("4096 131072")'],
    ['net.ipv4.tcp_wmem', '4096', undefined, 'takes 3 values, not 1 ("4096")'],
    ['net.ipv4.tcp_mem', '1', undefined, 'takes 3 values, not 1 ("1")'],
    ['net.ipv4.udp_mem', '1', undefined, 'takes 3 values, not 1 ("1")'],
    ['net.ipv4.ip_local_port_range', '1024', undefined, 'takes 2 values, not 1 ("1024")'],
    ['net.ipv4.ping_group_range', '0', undefined, 'takes 2 values, not 1 ("0")'],
    ['kernel.printk', '4', undefined, 'takes 4 values, not 1 ("4")'],
    ['vm.swappiness', '5 trailing', '60', 'takes 1 value, not 2 ("5 trailing")'],
    ['vm.swappiness', '1k', '60', '"1k" is not an integer'],
    ['vm.swappiness', 'on', '60', '"on" is not an integer'],
    ['vm.lowmem_reserve_ratio', '256,256', '256\t256\t32\t0\t0', 'takes 5 values, not 1 ("256,256")'],
  ])('of %s=%j is wrong where %j is live', (name, value, live, problem) => {
    expect(checkShape(name, value, live)).toBe(problem);
  });

  test('is not judged before the kernel was asked, where only the kernel knows it', () => {
    expect(checkShape('vm.lowmem_reserve_ratio', '1 2 3')).toBeUndefined();
  });
});
