import { afterEach, expect, test } from '@jest/globals';
import { lookup } from '../../operator/sysctl/catalog/lookup.ts';
import { borrowing } from './support/host-values.ts';
import { Places, type Place } from './support/place.ts';
import { machineHas, scenario, suite } from './support/scenario.ts';

const under = (prefix: string, keys: string): string[] => keys.split(/\s+/).map((key) => prefix + key);
const NEIGH =
  'anycast_delay app_solicit base_reachable_time_ms delay_first_probe_time gc_interval gc_stale_time gc_thresh1 gc_thresh2 gc_thresh3 interval_probe_time_ms locktime mcast_resolicit mcast_solicit proxy_delay proxy_qlen retrans_time retrans_time_ms ucast_solicit unres_qlen unres_qlen_bytes';
const ABSENT = [
  ...under(
    'net.core.',
    'bpf_jit_enable bpf_jit_harden bpf_jit_kallsyms bpf_jit_limit busy_poll busy_read default_qdisc dev_weight dev_weight_rx_bias dev_weight_tx_bias devconf_inherit_init_net fb_tunnels_only_for_init_net flow_limit_cpu_bitmap flow_limit_table_len gro_normal_batch high_order_alloc_disable max_skb_frags mem_pcpu_rsv message_burst message_cost netdev_budget netdev_budget_usecs netdev_max_backlog netdev_rss_key netdev_tstamp_prequeue netdev_unregister_timeout_secs rps_sock_flow_entries skb_defer_max warnings',
  ),
  ...under('net.ipv4.', 'cipso_cache_bucket_size cipso_cache_enable cipso_rbm_optfmt cipso_rbm_strictvalid'),
  ...under(
    'net.ipv4.',
    'fib_sync_mem inet_peer_maxttl inet_peer_minttl inet_peer_threshold ipfrag_secret_interval',
  ),
  ...under(
    'net.ipv4.route.',
    'error_burst error_cost gc_elasticity gc_interval gc_min_interval gc_min_interval_ms gc_thresh gc_timeout max_size redirect_load redirect_number redirect_silence',
  ),
  ...under('net.ipv4.', 'tcp_available_ulp tcp_low_latency tcp_max_orphans tcp_mem udp_mem'),
  ...under(
    'net.ipv6.',
    'calipso_cache_bucket_size calipso_cache_enable ip6frag_secret_interval mld_max_msf mld_qrv',
  ),
  ...under('net.ipv4.neigh.default.', `${NEIGH} base_reachable_time`),
  ...under('net.ipv6.neigh.default.', `${NEIGH} base_reachable_time`),
  'net.netfilter.nf_log_all_netns',
  'net.nf_conntrack_max',
];
const READ_ONLY = [
  ...under('net.core.', 'rmem_default rmem_max wmem_default wmem_max'),
  'net.ipv4.tcp_allowed_congestion_control',
  ...under('net.netfilter.', 'nf_conntrack_max nf_conntrack_buckets nf_conntrack_expect_max'),
];
const LEAK = 'net.netfilter.nf_hooks_lwtunnel';

const dotted = (path: string): string => path.replace(/[./]/g, (c) => (c === '/' ? '.' : '/'));
/** Name and mode of every file below /proc/sys/net. Only the interface that every namespace has is counted. */
async function listing(place: Place): Promise<Map<string, string>> {
  const [text = ''] = await place.ask(['list', 'net']);
  const files = [...text.matchAll(/^(\S+) (.+)$/gm)].map(([, mode = '', path = '']): [string, string] => [
    dotted(path),
    mode,
  ]);
  return new Map(
    files.filter(([name]) => !/^net\.ipv[46]\.(conf|neigh)\.(?!all\.|default\.|lo\.)/.test(name)),
  );
}

suite('what a network namespace shows of net.*', () => {
  const places = new Places();
  afterEach(() => places.close());

  test('the lists of this file are 104 absent and 8 read-only keys, as the operator takes them', () => {
    expect(ABSENT.filter((name) => lookup(name).podPresence !== 'absent')).toEqual([]);
    expect(READ_ONLY.filter((name) => lookup(name).podPresence !== 'readOnly')).toEqual([]);
    expect([new Set(ABSENT).size, new Set(READ_ONLY).size]).toEqual([104, 8]);
  });

  scenario(
    'listing and modes in a new namespace, beside those of the machine, tell the three kinds apart',
    [],
    async () => {
      const [machine, child] = [await listing(await places.host()), await listing(await places.fresh('net'))];
      const absent = [...machine.keys()].filter((name) => !child.has(name));
      const readOnly = [...child].filter(
        ([name, mode]) => mode === '-r--r--r--' && machine.get(name) !== mode,
      );
      expect(absent.filter((name) => !ABSENT.includes(name))).toEqual([]);
      expect(ABSENT.filter((name) => machine.has(name) && child.has(name))).toEqual([]);
      expect(readOnly.map(([name]) => name).toSorted()).toEqual(
        READ_ONLY.filter((name) => machine.has(name)).toSorted(),
      );
      expect([...child.keys()].filter((name) => !machine.has(name))).toEqual([]);
      expect(absent.length).toBeGreaterThan(90);
    },
  );

  for (const name of ABSENT.filter((key) => !machineHas(key)))
    scenario(`${name} is absent`, [name], () => Promise.resolve());

  scenario(
    'a write of an absent key is ENOENT, of a read-only one EACCES',
    ['net.core.netdev_max_backlog', ...READ_ONLY],
    async () => {
      const child = await places.fresh('net');
      for (const name of ABSENT) expect([name, await child.put(name, '1')]).toEqual([name, 'ENOENT']);
      const modes = await listing(child);
      expect(READ_ONLY.map((name) => modes.get(name))).toEqual(READ_ONLY.map(() => '-r--r--r--'));
      for (const name of READ_ONLY) expect([name, await child.put(name, '1')]).toEqual([name, 'EACCES']);
    },
  );

  const MIRRORS = [
    'net.core.rmem_max',
    'net.core.wmem_default',
    'net.netfilter.nf_conntrack_max',
    'net.netfilter.nf_conntrack_expect_max',
  ];
  scenario('a read-only key is a live mirror of the machine', MIRRORS, async () => {
    const child = await places.fresh('net');
    await borrowing(MIRRORS, async (set) => {
      for (const name of MIRRORS) {
        const other = String(Number(await child.get(name)) + 256);
        set(name, other);
        expect([name, await child.get(name)]).toEqual([name, other]);
      }
    });
  });

  scenario(
    'nf_hooks_lwtunnel is one for the whole machine although every namespace may write it',
    [LEAK],
    async () => {
      const [machine, child] = [await places.host(), await places.fresh('net')];
      const value = await machine.get(LEAK);
      expect(lookup(LEAK)).toEqual({ namespace: 'none', podPresence: 'shared' });
      expect((await listing(child)).get(LEAK)).toBe('-rw-r--r--');
      // Another value could not be taken back before the next boot: only the same one is written here.
      expect(await child.puts(LEAK, value)).toEqual(['OK', value]);
      if (value === '1') expect(await child.put(LEAK, '0')).toBe('EBUSY');
      // Not so in a namespace of a user namespace's own: root there may write it too.
      const may =
        "unshare --user --map-root-user --net sh -c 'test -w /proc/sys/net/netfilter/nf_hooks_lwtunnel && echo permitted'";
      const stranger = `setpriv --reuid=65534 --regid=65534 --clear-groups ${may}`;
      expect(await machine.sh(stranger)).toBe('permitted');
    },
  );
});
