import { KUBE_PROXY_OWNED, KUBELET_OWNED } from './catalog/lookup.ts';

const RUNS_AS_ROOT = new Set([
  'kernel.core_pattern',
  'kernel.modprobe',
  'kernel.poweroff_cmd',
  'kernel.hotplug',
]);
const IRREVERSIBLE = new Set([
  'kernel.modules_disabled',
  'kernel.kexec_load_disabled',
  'kernel.kexec_load_limit_panic',
  'kernel.kexec_load_limit_reboot',
  'kernel.unprivileged_bpf_disabled',
  'kernel.yama.ptrace_scope',
  'kernel.tainted',
  'net.netfilter.nf_hooks_lwtunnel',
]);
const TRIGGERS = new Set([
  'vm.drop_caches',
  'vm.compact_memory',
  'vm.stat_refresh',
  'net.ipv4.route.flush',
  'net.ipv6.route.flush',
  'fs.xfs.stats_clear',
]);
const PANICS =
  /^kernel\.(panic.*|.*_panic|max_rcu_stall_to_panic|oops_limit|warn_limit)$|^vm\.panic_on_oom$|^fs\.xfs\.panic_mask$/;

/**
 * Why a key is refused unless spec.acknowledgeRisks names it; undefined for the others. Rule 7 of the safety rules: keys that run
 * programs as root, crash or wedge a node, cannot be undone, or belong to the kubelet.
 */
export function guardOf(name: string): string | undefined {
  if (RUNS_AS_ROOT.has(name)) return 'the kernel runs its value as root on the node';
  if (IRREVERSIBLE.has(name)) return 'it cannot be undone before the node is rebooted';
  if (TRIGGERS.has(name)) return 'writing it starts an action; it holds no value that could be kept';
  if (KUBELET_OWNED.has(name))
    return 'the kubelet owns it, sets it at every start, and with protectKernelDefaults does not start when it differs';
  if (PANICS.test(name)) return 'it makes the node panic or reboot';
  if (name === 'kernel.sysctl_writes_strict') return 'it changes what a write to any sysctl means';
  return undefined;
}

/** What a person should know about a key that is not refused; undefined where there is nothing to say. */
export function warningOf(name: string): string | undefined {
  if (KUBE_PROXY_OWNED.has(name)) return 'kube-proxy sets it too: give it the same value there, or 0';
  return undefined;
}
