import { describe, expect, test } from '@jest/globals';
import { lookup, otherWriters, tupleSize } from '../../operator/sysctl/catalog/lookup.ts';
import linux from './support/linux-6.18.json' with { type: 'json' };

describe('the catalog', () => {
  // Every file below /proc/sys of Linux 6.18, sorted by what a process in fresh namespaces sees of it.
  test.each(Object.entries(linux))('knows the keys that are "%s" in a pod', (kind, names) => {
    const wrong = names.filter((name) => {
      const { namespace, podPresence } = lookup(name);
      return `${namespace} ${podPresence}` !== kind;
    });
    expect(wrong).toEqual([]);
  });

  test('finds 113 net sysctls that belong to the node, although the kubelet takes all of them for namespaced', () => {
    const net = Object.values(linux)
      .flat()
      .filter((name) => name.startsWith('net.') && !name.includes('.lo.'));
    expect(net).toHaveLength(558);
    expect(net.filter((name) => lookup(name).podPresence !== 'own')).toHaveLength(113);
  });

  test.each([
    'net.ipv4.conf.eth0/100.rp_filter',
    'net.ipv6.neigh.cali1.gc_stale_time',
    'net.ipv6.conf.default.mtu',
    'net.bogus.name',
  ])('takes %s for a key of the network namespace', (name) => {
    expect(lookup(name)).toEqual({ namespace: 'net', podPresence: 'own' });
  });

  test.each(['vm.no_such_key', 'kernel.semx', 'fs.mqueuex', 'netx.core', 'userx.max'])(
    'takes %s for a key of the whole node',
    (name) => {
      expect(lookup(name)).toEqual({ namespace: 'none', podPresence: 'shared' });
    },
  );

  test.each([
    ['kernel.sem', 4],
    ['net.ipv4.tcp_rmem', 3],
    ['net.ipv4.ip_local_port_range', 2],
    ['vm.swappiness', undefined],
  ])('knows how many values %s takes: %s', (name, size) => {
    expect(tupleSize(name)).toBe(size);
  });
});

describe('when two writers fight, the message names', () => {
  test.each([
    ['vm.overcommit_memory', 'kubelet (at every start)'],
    ['kernel.keys.root_maxbytes', 'kubelet (at every start)'],
    ['net.netfilter.nf_conntrack_max', 'kube-proxy (at every start)'],
    ['net.netfilter.nf_conntrack_udp_timeout_stream', 'kube-proxy (at every start)'],
    ['net.ipv4.ip_forward', 'CNI plugin'],
    ['net.ipv4.conf.eth0.rp_filter', 'CNI plugin'],
    ['vm.swappiness', 'systemd-sysctl'],
    ['net.netfilter.nf_conntrack_generic_timeout', 'systemd-sysctl'],
  ])('for %s: %s', (name, writer) => {
    expect(otherWriters(name)[0]).toBe(writer);
  });
});
