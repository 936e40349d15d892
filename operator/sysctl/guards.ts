import { KUBE_PROXY_OWNED, KUBELET_OWNED } from './catalog/lookup.ts';

export interface Guard {
  /** Why; a part of a sentence. */
  reason: string;
  names: ReadonlySet<string>;
  /** Further names; also some that no kernel of today has. */
  pattern?: RegExp;
}

/** Rule 7 of the safety rules. The first one that has a key says why. */
export const GUARDS: readonly Guard[] = [
  {
    reason: 'the kernel runs its value as root on the node',
    names: new Set(['kernel.core_pattern', 'kernel.modprobe', 'kernel.poweroff_cmd', 'kernel.hotplug']),
  },
  {
    reason: 'it cannot be undone before the node is rebooted',
    names: new Set([
      'kernel.modules_disabled',
      'kernel.kexec_load_disabled',
      'kernel.kexec_load_limit_panic',
      'kernel.kexec_load_limit_reboot',
      'kernel.unprivileged_bpf_disabled',
      'kernel.usermodehelper.bset',
      'kernel.usermodehelper.inheritable',
      'kernel.yama.ptrace_scope',
      'kernel.tainted',
      'net.netfilter.nf_hooks_lwtunnel',
    ]),
  },
  {
    reason: 'writing it starts an action; it holds no value that could be kept',
    names: new Set([
      'vm.drop_caches',
      'vm.compact_memory',
      'vm.stat_refresh',
      'net.ipv4.route.flush',
      'net.ipv6.route.flush',
      'fs.xfs.stats_clear',
    ]),
  },
  {
    reason:
      'the kubelet owns it, sets it at every start, and with protectKernelDefaults does not start when it differs',
    names: KUBELET_OWNED,
  },
  {
    reason: 'it makes the node panic or reboot',
    names: new Set(),
    pattern:
      /^kernel\.(panic.*|.*_panic|max_rcu_stall_to_panic|oops_limit|warn_limit)$|^vm\.panic_on_oom$|^fs\.xfs\.panic_mask$/,
  },
  {
    reason: 'it changes what a write to any sysctl means',
    names: new Set(['kernel.sysctl_writes_strict']),
  },
];

/**
 * Why a key is refused unless spec.acknowledgeRisks names it; undefined for the others: keys that run programs as root, crash or wedge a
 * node, cannot be undone, or belong to the kubelet.
 */
export const guardOf = (name: string): string | undefined =>
  GUARDS.find(({ names, pattern }) => names.has(name) || pattern?.test(name))?.reason;

/** What a person should know about a key that is not refused; undefined where there is nothing to say. */
export function warningOf(name: string): string | undefined {
  if (KUBE_PROXY_OWNED.has(name)) return 'kube-proxy sets it too: give it the same value there, or 0';
  return undefined;
}
