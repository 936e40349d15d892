import type { CatalogEntry } from '../../../operator/sysctl/catalog/types.ts';

/** A range as the kernel's numbers; undefined where the catalog gives none. What is too wide for a number of JavaScript has no end. */
export function rangeOf({ type, range }: CatalogEntry): readonly [min: bigint, max?: bigint] | undefined {
  if (type === 'bool' && !range) return [0n, 1n];
  if (!range) return undefined;
  const [min, max] = range;
  return Number.isSafeInteger(max) ? [BigInt(min), BigInt(max)] : [BigInt(min)];
}

/** Keys of which not even a value beyond the range is written, and where the range is taken from instead. */
export const READ_IN_THE_SOURCE: Readonly<Record<string, string>> = {
  // A write acts even where the number is none of those documented, and kernels differ in what they refuse.
  'vm.drop_caches': 'fs/drop_caches.c: drop_caches_table, extra1 and extra2',
  // 1 cannot be taken back: a kernel that is wrong about the range would keep it until its next boot.
  'kernel.kexec_load_disabled': 'kernel/kexec_core.c: kexec_core_sysctls, SYSCTL_ONE to SYSCTL_ONE',
  'kernel.kexec_load_limit_panic': 'kernel/kexec_core.c: kexec_limit_handler',
  'kernel.kexec_load_limit_reboot': 'kernel/kexec_core.c: kexec_limit_handler',
  'kernel.modules_disabled': 'kernel/module/main.c: module_sysctl_table, SYSCTL_ONE to SYSCTL_ONE',
  'kernel.yama.ptrace_scope': 'security/yama/yama_lsm.c: yama_dointvec_minmax, 0 to max_scope',
};

const HURT: readonly (readonly [names: RegExp, why: string])[] = [
  [/panic/, 'a fault in that moment would end the machine'],
  [/unprivileged_bpf_disabled|nf_hooks_lwtunnel/, 'it cannot be taken back before the next boot'],
  [/^vm\.compact_memory$/, 'it is no value: writing it works on all memory'],
  [/^vm\.overcommit_memory$/, 'with 2 nothing on the machine can fork'],
  [
    /^vm\.(min_free_kbytes|max_map_count)$|^kernel\.threads-max$/,
    'other processes would fail in that moment',
  ],
  [/^fs\.(nr_open|mount-max)$|^kernel\.(keys|pty)\./, 'other processes would fail in that moment'],
  [/^net\.core\.netdev_(max_backlog|budget|budget_usecs)$/, 'packets of the machine would be lost'],
  [/gc_thresh\d$|tcp_max_orphans$|nf_conntrack/, 'connections of the machine would be lost'],
  [/^vm\.numa_stat$/, 'it clears counters'],
  [/^kernel\.perf_cpu_time_max_percent$/, 'it turns the limit of sampling off until it is written again'],
  [/^net\.core\.(bpf_jit_enable|max_skb_frags)$/, 'the ends are those of kernels that are built otherwise'],
];

/** A number of seconds is kept in clock ticks: how many fit is the kernel's own affair. */
const IN_TICKS = 21_474_836n;

/** Why the ends of a range are not written to the machine, as the values beyond them are. undefined: they are. */
export function whyNotTheEnds(entry: CatalogEntry): string | undefined {
  const { name, aliases = [], coupled, trigger } = entry;
  if (coupled || aliases.length > 0) return 'other keys change with it: its pair has a test of its own';
  if (trigger) return 'it is no value';
  if (rangeOf(entry)?.[1] === IN_TICKS) return 'the most that fits depends on the clock of the kernel';
  return HURT.find(([names]) => names.test(name))?.[1];
}
