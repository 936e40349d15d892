import { describe, expect, test } from '@jest/globals';
import { allEntries } from '../../operator/sysctl/catalog/index.ts';
import { guardOf, warningOf } from '../../operator/sysctl/guards.ts';

const ROOT = 'the kernel runs its value as root';
const FINAL = 'cannot be undone before the node is rebooted';
const TRIGGER = 'starts an action';
const KUBELET = 'the kubelet owns it';
const PANIC = 'panic or reboot';

describe('a guarded key', () => {
  test.each([
    ['kernel.core_pattern', ROOT],
    ['kernel.modprobe', ROOT],
    ['kernel.poweroff_cmd', ROOT],
    ['kernel.hotplug', ROOT],
    ['kernel.modules_disabled', FINAL],
    ['kernel.kexec_load_disabled', FINAL],
    ['kernel.kexec_load_limit_panic', FINAL],
    ['kernel.kexec_load_limit_reboot', FINAL],
    ['kernel.unprivileged_bpf_disabled', FINAL],
    ['kernel.usermodehelper.bset', FINAL],
    ['kernel.usermodehelper.inheritable', FINAL],
    ['kernel.yama.ptrace_scope', FINAL],
    ['kernel.tainted', FINAL],
    ['net.netfilter.nf_hooks_lwtunnel', FINAL],
    ['vm.drop_caches', TRIGGER],
    ['vm.compact_memory', TRIGGER],
    ['vm.stat_refresh', TRIGGER],
    ['net.ipv4.route.flush', TRIGGER],
    ['net.ipv6.route.flush', TRIGGER],
    ['fs.xfs.stats_clear', TRIGGER],
    ['vm.overcommit_memory', KUBELET],
    ['vm.panic_on_oom', KUBELET],
    ['kernel.panic', KUBELET],
    ['kernel.panic_on_oops', KUBELET],
    ['kernel.keys.root_maxkeys', KUBELET],
    ['kernel.keys.root_maxbytes', KUBELET],
    ['kernel.panic_on_warn', PANIC],
    ['kernel.panic_on_io_nmi', PANIC],
    ['kernel.panic_on_rcu_stall', PANIC],
    ['kernel.panic_on_unrecovered_nmi', PANIC],
    ['kernel.hardlockup_panic', PANIC],
    ['kernel.softlockup_panic', PANIC],
    ['kernel.hung_task_panic', PANIC],
    ['kernel.unknown_nmi_panic', PANIC],
    ['kernel.max_rcu_stall_to_panic', PANIC],
    ['kernel.oops_limit', PANIC],
    ['kernel.warn_limit', PANIC],
    ['fs.xfs.panic_mask', PANIC],
    ['kernel.sysctl_writes_strict', 'what a write to any sysctl means'],
  ])('is %s: %s', (name, reason) => {
    expect(guardOf(name)).toContain(reason);
  });

  test.each([
    'vm.max_map_count',
    'vm.swappiness',
    'fs.inotify.max_user_instances',
    'fs.file-max',
    'kernel.pid_max',
    'kernel.threads-max',
    'kernel.sem',
    'kernel.keys.maxkeys',
    'net.core.somaxconn',
    'net.core.rmem_max',
    'net.ipv4.neigh.default.gc_thresh3',
    'net.ipv4.tcp_rmem',
    'net.ipv4.ip_forward',
  ])('is not %s, nor is there a warning', (name) => {
    expect(guardOf(name)).toBeUndefined();
    expect(warningOf(name)).toBeUndefined();
  });
});

describe('guarded is every key of the catalog', () => {
  const bare = allEntries().filter(({ name }) => !guardOf(name));
  const risky = (words: RegExp): string[] =>
    bare.filter(({ risks }) => risks.some((risk) => words.test(risk))).map(({ name }) => name);

  test('that starts an action', () => {
    expect(bare.filter(({ trigger }) => trigger).map(({ name }) => name)).toEqual([]);
  });

  test('that cannot be undone; but a pair of which each brings the other back can', () => {
    const final = bare.filter(({ irreversible, writeOnce }) => irreversible !== undefined || writeOnce);
    expect(final.map(({ name }) => name)).toEqual(['vm.dirty_background_bytes', 'vm.dirty_bytes']);
  });

  test.each([
    ['that stays until the node is rebooted', /until (it|that|the node) is rebooted/],
    ['that makes the node panic', /makes the node panic/],
    ['whose value runs as root', /runs (it|the program) as root/],
    ['with which a kubelet does not start', /kubelet does not start/],
    ['that changes what a write means', /what a write to any sysctl means/],
  ])('%s', (_what, words) => {
    expect(allEntries().some(({ risks }) => risks.some((risk) => words.test(risk)))).toBe(true);
    expect(risky(words)).toEqual([]);
  });
});

describe('a key that kube-proxy sets too', () => {
  test.each([
    'max',
    'tcp_timeout_established',
    'tcp_timeout_close_wait',
    'tcp_be_liberal',
    'udp_timeout',
    'udp_timeout_stream',
  ])('is allowed with a warning: net.netfilter.nf_conntrack_%s', (key) => {
    expect(guardOf(`net.netfilter.nf_conntrack_${key}`)).toBeUndefined();
    expect(warningOf(`net.netfilter.nf_conntrack_${key}`)).toContain('kube-proxy sets it too');
  });

  test.each(['buckets', 'max_retrans', 'udp_timeout_stream_x'])(
    'is not net.netfilter.nf_conntrack_%s',
    (key) => {
      expect(warningOf(`net.netfilter.nf_conntrack_${key}`)).toBeUndefined();
    },
  );
});
