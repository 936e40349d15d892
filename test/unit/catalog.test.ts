import { describe, expect, test } from '@jest/globals';
import { allEntries, describe as entryOf, suggest } from '../../operator/sysctl/catalog/index.ts';
import { lookup, otherWriters, tupleSize } from '../../operator/sysctl/catalog/lookup.ts';
import { guardOf } from '../../operator/sysctl/guards.ts';
import { isSafeSysctl, kubeletNamespace } from '../../operator/sysctl/kubelet-patterns.ts';
import { roundings } from '../../operator/sysctl/roundings.ts';
import linux from './support/linux-6.18.json' with { type: 'json' };

const concrete = allEntries().filter(({ family }) => !family);
const onInterface = (name: string): string => name.replace('*', 'eth0');

describe('the catalog', () => {
  test('knows every file of Linux 6.18, but for those of one vendor', () => {
    const unknown = Object.values(linux)
      .flat()
      .filter((name) => !entryOf(name));
    expect(unknown.filter((name) => !name.startsWith('kernel.init_private'))).toEqual([]);
  });

  test('puts every file where a process in fresh namespaces finds it', () => {
    const wrong = Object.entries(linux).flatMap(([kind, names]) =>
      names.filter((name) => {
        const entry = entryOf(name);
        return entry && `${entry.namespace} ${entry.newNamespace.presence}` !== kind;
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('is sorted and has every name once', () => {
    const names = allEntries().map(({ name }) => name);
    expect(names).toEqual([...new Set(names)].toSorted());
  });

  test('has one plain sentence at least about every key', () => {
    expect(allEntries().filter(({ description }) => !/^[A-Z].{10,}[.)]$/.test(description))).toEqual([]);
  });

  test('refers only to keys that it has', () => {
    const named = allEntries().flatMap(({ aliases = [], coupled }) => [
      ...aliases,
      ...(coupled?.names ?? []),
    ]);
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((name) => !entryOf(name))).toEqual([]);
  });

  test('has aliases on both sides', () => {
    const oneWay = allEntries().flatMap(({ name, aliases = [] }) =>
      aliases.filter((alias) => !entryOf(alias)?.aliases?.includes(name)).map((alias) => `${name} ${alias}`),
    );
    expect(oneWay).toEqual([]);
  });

  test('fixes a fresh value only for keys that a namespace has of its own', () => {
    const odd = allEntries().filter(
      ({ newNamespace: { presence, default: start, from } }) =>
        presence !== 'own' && (start !== null || from !== null),
    );
    expect(odd).toEqual([]);
  });

  test('has defaults that its own type and range accept', () => {
    const refused = allEntries().filter(({ type, arity, range, newNamespace }) => {
      if (newNamespace.default === null || arity === null) return false;
      const values = newNamespace.default.split(' ');
      const [min, max] = type === 'bool' ? [0, 1] : (range ?? [-Infinity, Infinity]);
      return values.length !== arity || values.some((value) => Number(value) < min || Number(value) > max);
    });
    expect(refused.map(({ name }) => name)).toEqual([]);
  });
});

describe('a name', () => {
  test.each([
    ['net/ipv4/conf/eth0.100/rp_filter', 'net.ipv4.conf.*.rp_filter'],
    ['net.ipv4.conf.eth0/100.rp_filter', 'net.ipv4.conf.*.rp_filter'],
    ['net.ipv6.neigh.cali1.gc_stale_time', 'net.ipv6.neigh.*.gc_stale_time'],
    ['net.ipv4.conf.*.rp_filter', 'net.ipv4.conf.*.rp_filter'],
    ['net.ipv4.conf.all.rp_filter', 'net.ipv4.conf.all.rp_filter'],
    ['vm/max_map_count', 'vm.max_map_count'],
  ])('%s is described by %s', (name, described) => {
    expect(entryOf(name)?.name).toBe(described);
  });

  test.each([
    'net.core.no_such_key',
    'kernel.init_private',
    'net.ipv4.conf.eth0.bogus',
    'net.ipv4.neigh.eth0.gc_thresh1',
  ])('%s is unknown, not guessed', (name) => {
    expect(entryOf(name)).toBeUndefined();
  });

  test.each([
    ['net.core.somaxcon', 'net.core.somaxconn'],
    ['net.somaxconn', 'net.core.somaxconn'],
    ['max_map_count', 'vm.max_map_count'],
    ['vm.max_map_cuont', 'vm.max_map_count'],
    ['fs.file_max', 'fs.file-max'],
    ['Vm.Swappiness', 'vm.swappiness'],
    ['net/ipv4/tcp_rmen', 'net.ipv4.tcp_rmem'],
    ['net.ipv4.conf.eth0.rp_fliter', 'net.ipv4.conf.eth0.rp_filter'],
    ['net.ipv4.tcp_keepalive', 'net.ipv4.tcp_keepalive_time'],
  ])('%s may mean %s', (typed, meant) => {
    expect(suggest(typed)[0]).toBe(meant);
  });

  test.each(['zzz.yyy.xxx', 'kernel.bogus', ''])('"%s" may mean nothing', (typed) => {
    expect(suggest(typed)).toEqual([]);
  });
});

describe('the catalog agrees', () => {
  test('with what planning looks up', () => {
    const differences = allEntries().filter(({ name, namespace, newNamespace }) => {
      const place = lookup(onInterface(name));
      return place.namespace !== namespace || place.podPresence !== newNamespace.presence;
    });
    expect(differences.map(({ name }) => name)).toEqual([]);
    const tuples = allEntries().filter(({ writable, arity }) => writable && arity !== null && arity > 1);
    expect(tuples.map(({ name }) => [name, tupleSize(name)])).toEqual(
      tuples.map(({ name, arity }) => [name, arity]),
    );
  });

  test('with the writers that a fight is explained with', () => {
    const kubelet = allEntries().filter(({ writers }) => writers?.includes('kubelet (at every start)'));
    expect(kubelet).toHaveLength(6);
    expect(kubelet.map(({ name }) => otherWriters(name))).toEqual(kubelet.map(({ writers }) => writers));
  });

  test('with the guards: a guarded key is dangerous, a trigger or final', () => {
    const harmless = concrete.filter(
      ({ name, risks, trigger, irreversible }) =>
        guardOf(name) && risks.length === 0 && !trigger && irreversible === undefined,
    );
    expect(harmless.map(({ name }) => name)).toEqual([]);
    const unguarded = concrete.filter(
      ({ name, trigger, writeOnce }) => (trigger || writeOnce) && !guardOf(name),
    );
    expect(unguarded.map(({ name }) => name)).toEqual([]);
  });

  test('with the kubelet about what is safe and what can be allowed', () => {
    for (const { name, pods } of concrete) {
      const minor = Number(pods.safeSince?.slice(2) ?? Number.NaN);
      expect([name, isSafeSysctl(name, 999)]).toEqual([name, pods.safeSince !== null]);
      expect(!pods.safeSince || (isSafeSysctl(name, minor) && !isSafeSysctl(name, minor - 1))).toBe(true);
      expect(!pods.allowable || kubeletNamespace(name) !== undefined).toBe(true);
    }
    expect(concrete.filter(({ pods }) => pods.safeSince)).toHaveLength(14);
  });

  test('with the roundings: a number that the kernel changes has a word about it', () => {
    const silent = allEntries().filter(
      ({ name, writable, rounding }) =>
        writable && roundings(onInterface(name), 3n).some((n) => n !== 3n) && !rounding,
    );
    expect(silent.map(({ name }) => name)).toEqual([]);
  });
});

describe('a pod can be allowed', () => {
  test.each([
    ['net.core.somaxconn', true],
    ['net.ipv4.tcp_rmem', true],
    ['net.ipv4.conf.*.forwarding', true],
    ['kernel.sem', true],
    ['fs.mqueue.msg_max', true],
    // It changes the node.
    ['net.netfilter.nf_hooks_lwtunnel', true],
    // The file is not there, or only to be read.
    ['net.core.netdev_max_backlog', false],
    ['net.core.rmem_max', false],
    ['net.ipv4.neigh.default.gc_thresh3', false],
    ['net.ipv4.tcp_available_congestion_control', false],
    ['net.ipv4.tcp_tw_recycle', false],
    // Namespaced, but not for the kubelet or not for runc.
    ['kernel.shm_next_id', false],
    ['kernel.auto_msgmni', false],
    ['kernel.domainname', false],
    ['kernel.pid_max', false],
    ['user.max_user_namespaces', false],
    ['vm.max_map_count', false],
  ])('%s: %s', (name, allowable) => {
    expect(entryOf(name)?.pods.allowable).toBe(allowable);
  });
});
