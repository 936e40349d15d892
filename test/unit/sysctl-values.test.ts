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
    ['net.core.rps_default_mask', '1,2', '1,00000002'],
    ['net.core.rps_default_mask', '0x1', '0x1'],
    ['net.core.rps_default_mask', '100000000', '100000000'],
    ['fs.xfs.panic_mask', '0x10', '16'],
    ['net.ipv4.ip_local_reserved_ports', '0x10,010', '8,16'],
    ['net.ipv4.ip_local_reserved_ports', '5-3', '5-3'],
    ['net.ipv4.ip_local_reserved_ports', '1,,2', '1,,2'],
    ['kernel.watchdog_cpumask', '3,2,0', '0,2-3'],
    ['net.ipv6.icmp.ratemask', '0-1,2,3-127', '0-127'],
    // No group may ping: the kernel's own way to say so.
    ['net.ipv4.ping_group_range', '5 1', '1 0'],
    ['net.ipv4.ping_group_range', '1\t0', '1 0'],
    ['net.ipv4.ping_group_range', '0 2147483647', '0 2147483647'],
    ['vm.lowmem_reserve_ratio', '-5\t256 -1', '0 256 0'],
    ['net.bridge.bridge-nf-call-iptables', '4', '1'],
    ['fs.pipe-max-size', '1048577', '2097152'],
    ['net.core.rps_sock_flow_entries', '1000', '1024'],
    ['kernel.sched_rr_timeslice_ms', '-1', '100'],
    ['kernel.shmmax', '0xfffffffffeffffff', '18446744073692774399'],
    ['kernel.shmmax', '18446744073709551616', '18446744073709551616'],
    ['vm.swappiness', '000000000000000000010', '000000000000000000010'],
    ['net.ipv4.tcp_allowed_congestion_control', 'reno  bbr reno', 'bbr reno'],
    ['kernel.seccomp.actions_logged', 'trap errno\tkill_process', 'errno kill_process trap'],
    ['net.ipv4.tcp_fastopen_key', 'AB-0-0x1-2', '000000ab-00000000-00000001-00000002'],
    ['net.ipv6.conf.lo.stable_secret', 'fe80::1', 'fe80:0000:0000:0000:0000:0000:0000:0001'],
    ['net.ipv6.conf.eth0/1.stable_secret', '::FFFF:1.2.3.4', '0000:0000:0000:0000:0000:ffff:0102:0304'],
    // Texts that look like numbers are texts, and their blanks are the program's arguments.
    ['kernel.hostname', '010', '010'],
    ['kernel.hostname', '0x10\n', '0x10'],
    ['kernel.core_pattern', '|/bin/x  %p', '|/bin/x  %p'],
    ['kernel.core_pattern', ' |/bin/x', ' |/bin/x'],
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
    ['kernel.hostname', 'node-7', '1234'],
    ['kernel.hostname', 'x'.repeat(64), 'node'],
    ['kernel.core_pattern', 'é'.repeat(63), 'core'],
    ['kernel.ftrace_dump_on_oops', 'orig_cpu', '0'],
    ['kernel.watchdog_cpumask', '0-1', '0'],
    ['net.ipv4.ip_local_reserved_ports', '', '8080'],
    ['kernel.shmmax', '18446744073709551615', undefined],
    ['kernel.sem', '-1 -1 -1 32768', undefined],
    ['net.ipv4.ping_group_range', '5 1', undefined],
    ['net.ipv4.ip_local_port_range', '1024 1024', undefined],
    ['vm.swappiness', '200', undefined],
    ['kernel.pid_max', '4194304', undefined],
    ['net.ipv4.conf.all.rp_filter', '-9', '0'],
    ['no.such.key', 'anything goes, here', undefined],
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
    ['vm.swappiness', '', '60', 'takes 1 value, not 0 ("")'],
    ['vm.swappiness', '\u00a05', '60', '"\u00a05" is not an integer'],
    ['vm.swappiness', '201', undefined, '"201" is not between 0 and 200'],
    ['vm.overcommit_memory', '3', undefined, '"3" is not between 0 and 2'],
    ['kernel.pid_max', '300', undefined, '"300" is not between 301 and 4194304'],
    ['kernel.pid_max', '0x500000', undefined, '"0x500000" is not between 301 and 4194304'],
    ['fs.pipe-max-size', '4294967296', undefined, '"4294967296" is not between 0 and 2147483648'],
    // Older kernels take it without an error, and nothing changes.
    ['kernel.shmmax', '-1', undefined, '"-1" is not between 0 and 18446744073709551615'],
    ['kernel.shmmax', '18446744073709551616', undefined, '"18446744073709551616" is not an integer'],
    ['net.ipv4.icmp_ratelimit', '-3596449043', undefined, '"-3596449043" is not between 0 and 2147483647'],
    // Refused, and the first three are changed.
    ['kernel.sem', '1 2 3 16777217', undefined, '"16777217" is not between 0 and 16777216'],
    ['net.ipv4.tcp_rmem', '4096 0 6291456', undefined, '"0" is not between 1 and 2147483647'],
    ['net.ipv4.ip_local_port_range', '2000 1000', undefined, 'the first port, 2000, is above the last, 1000'],
    ['net.ipv4.ip_local_port_range', '1024 65536', undefined, '"65536" is not between 1 and 65535'],
    [
      'kernel.hostname',
      'x'.repeat(65),
      undefined,
      `takes 64 bytes, not 65 ("${'x'.repeat(65)}"): the kernel would cut off the rest`,
    ],
    [
      'kernel.core_pattern',
      'é'.repeat(64),
      undefined,
      `takes 127 bytes, not 128 ("${'é'.repeat(64)}"): the kernel would cut off the rest`,
    ],
    ['kernel.hostname', 'a\nb', undefined, '"a\nb" is not one line of text'],
    [
      'net.ipv4.ip_local_reserved_ports',
      '80, 90',
      undefined,
      '"80, 90" is not a list of numbers and ranges such as 8080,9000-9010 (0 to 65535, without blanks)',
    ],
    [
      'net.core.rps_default_mask',
      '0xff',
      '3',
      '"0xff" is not a CPU mask in hexadecimal without 0x, such as ff or 1,00000000',
    ],
    ['net.ipv6.conf.lo.stable_secret', 'fe80::1%eth0', undefined, '"fe80::1%eth0" is not an IPv6 address'],
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
