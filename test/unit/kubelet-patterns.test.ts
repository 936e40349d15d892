import { describe, expect, test } from '@jest/globals';
import { describe as entryOf } from '../../operator/sysctl/catalog/index.ts';
import {
  checkPattern,
  isSafeSysctl,
  kubeletNamespace,
  normalizePattern,
  patternMatches,
} from '../../operator/sysctl/kubelet-patterns.ts';
import { NOT_A_PATTERN, NOT_NAMESPACED, STARTS } from './support/judged-patterns.ts';

describe('an entry of the allow-list', () => {
  test.each(STARTS)('%s lets the kubelet start', (pattern) => {
    expect(checkPattern(pattern)).toBeUndefined();
  });

  test.each(NOT_NAMESPACED)(
    '%s keeps the kubelet from starting: it is not known as namespaced',
    (pattern) => {
      expect(checkPattern(pattern)).toContain(`"${pattern}" is not known to the kubelet as namespaced`);
    },
  );

  test.each(NOT_A_PATTERN)('%j keeps the kubelet from starting: it is no pattern', (pattern) => {
    expect(checkPattern(pattern)).toContain(
      'must have at most 253 characters and be a sysctl name or a prefix',
    );
  });

  test('may have 253 characters', () => {
    expect(checkPattern(`net.${'x'.repeat(249)}`)).toBeUndefined();
  });
});

describe('a pod may set', () => {
  test.each([
    ['kernel.shm*', 'kernel.shm_next_id', true],
    ['kernel.msg*', 'kernel.msgmax', true],
    ['kernel.msg*', 'kernel.sem', false],
    ['net.ipv4.tcp_*', 'net.ipv4.tcp_mem', true],
    ['net.ipv4.tcp_*', 'net.ipv4.tcp', false],
    ['net.core.somaxconn', 'net.core.somaxconn', true],
    ['net.core.somaxconn', 'net.core.somaxconn2', false],
    ['net/core/somaxconn', 'net.core.somaxconn', true],
    ['net.core.somaxconn', 'net/core/somaxconn', true],
    ['net/ipv4/*', 'net.ipv4.ip_forward', true],
    ['net.*', 'netx.core', false],
    ['net.ipv4.conf.eth0/1.*', 'net/ipv4/conf/eth0.1/forwarding', true],
  ])('because of %s the key %s: %s', (pattern, name, allowed) => {
    expect(patternMatches(pattern, name)).toBe(allowed);
  });

  test.each([
    ['kernel.shm_rmid_forced', 4],
    ['net.ipv4.ip_local_port_range', 4],
    ['net.ipv4.tcp_syncookies', 4],
    ['net.ipv4.ping_group_range', 18],
    ['net.ipv4.ip_unprivileged_port_start', 22],
    ['net.ipv4.ip_local_reserved_ports', 27],
    ['net.ipv4.tcp_keepalive_time', 29],
    ['net.ipv4.tcp_keepalive_intvl', 29],
    ['net.ipv4.tcp_keepalive_probes', 29],
    ['net.ipv4.tcp_fin_timeout', 29],
    ['net.ipv4.tcp_rmem', 32],
    ['net.ipv4.tcp_wmem', 32],
    ['net.ipv4.tcp_slow_start_after_idle', 37],
    ['net.ipv4.tcp_notsent_lowat', 37],
  ])('%s without any entry since Kubernetes 1.%i', (name, since) => {
    expect(isSafeSysctl(name, since)).toBe(true);
    expect(isSafeSysctl(name, since - 1)).toBe(false);
    expect(isSafeSysctl(name.replaceAll('.', '/'), since)).toBe(true);
    expect(isSafeSysctl(name)).toBe(since <= 33);
  });

  test.each(['kernel.sem', 'net.core.somaxconn', 'net.ipv4.tcp_tw_reuse', 'vm.swappiness'])(
    '%s never without an entry',
    (name) => {
      expect(isSafeSysctl(name, 99)).toBe(false);
    },
  );
});

/** What pods on real kubelets 1.36.2 with containerd 2.1.9 and runc 1.1.5 came to, once the kubelet allowed the key. */
describe('a key that the kubelet allows', () => {
  test.each([
    'net.core.rmem_max',
    'net.core.netdev_max_backlog',
    'net.ipv4.tcp_mem',
    'net.netfilter.nf_conntrack_max',
    'kernel.shm_next_id',
  ])('%s is refused by the runtime', (name) => {
    expect(entryOf(name)?.pods.allowable).toBe(false);
  });

  test.each([
    'net.core.somaxconn',
    'net.ipv4.ip_forward',
    'net.ipv4.conf.eth0.forwarding',
    'kernel.sem',
    'kernel.shmmax',
    'fs.mqueue.msg_max',
  ])('%s is set by the runtime', (name) => {
    expect(entryOf(name)?.pods.allowable).toBe(true);
  });

  test('and that nobody has measured is no claim of the catalog', () => {
    expect(checkPattern('net.bogus.name')).toBeUndefined();
    expect(entryOf('net.bogus.name')).toBeUndefined();
  });
});

describe("the kubelet's reading of a name", () => {
  test.each([
    ['net/ipv4/conf/eth0.100/rp_filter', 'net.ipv4.conf.eth0/100.rp_filter'],
    ['net.ipv4.conf.eth0/100.rp_filter', 'net.ipv4.conf.eth0/100.rp_filter'],
    ['net/*', 'net.*'],
    ['*', '*'],
    ['kernel.sem', 'kernel.sem'],
  ])('%s is spelled %s: the first separator decides', (pattern, normal) => {
    expect(normalizePattern(pattern)).toBe(normal);
  });

  test.each([
    ['net.bogus', 'net'],
    ['kernel.shm', 'ipc'],
    ['fs.mqueue.x', 'ipc'],
    ['kernel.shm_next_id', undefined],
    ['kernel.hostname', undefined],
    ['net', undefined],
    ['user.max_user_namespaces', undefined],
  ])('%s belongs to %s', (name, namespace) => {
    expect(kubeletNamespace(name)).toBe(namespace);
  });
});
