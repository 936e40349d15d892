import { address, fastOpenKeys, freeText, hexMask, nameSet, rangeList, type Format } from './formats.ts';

/** A format of which the type of the parsed value does not matter any more. */
export interface KeyFormat {
  /** The one spelling; undefined where the text is not of this format. */
  canonical(text: string): string | undefined;
  expected: string;
  /** Longer texts are cut off without a word. */
  maxBytes?: number;
}

function erased<T>(format: Format<T>): KeyFormat {
  const canonical = (text: string): string | undefined => {
    const value = format.parse(text);
    return value === undefined ? undefined : format.print(value);
  };
  return { canonical, expected: format.expected };
}

const text = erased(freeText);
const names = erased(nameSet);
const ranges = erased(rangeList);
const mask = erased(hexMask);

/** By name; every key that is not here holds integers, as far as anybody knows. */
const BY_NAME: Readonly<Record<string, KeyFormat>> = {
  // __NEW_UTS_LEN; CORENAME_MAX_SIZE less its end.
  'kernel.hostname': { ...text, maxBytes: 64 },
  'kernel.domainname': { ...text, maxBytes: 64 },
  'kernel.core_pattern': { ...text, maxBytes: 127 },
  'kernel.ftrace_dump_on_oops': text,
  'kernel.hotplug': text,
  'kernel.modprobe': text,
  'kernel.panic_sys_info': text,
  'kernel.poweroff_cmd': text,
  'kernel.printk_devkmsg': text,
  'kernel.seccomp.actions_logged': names,
  'kernel.watchdog_cpumask': ranges,
  'net.core.default_qdisc': text,
  'net.core.flow_limit_cpu_bitmap': mask,
  'net.core.rps_default_mask': mask,
  'net.ipv4.ip_local_reserved_ports': ranges,
  'net.ipv4.tcp_allowed_congestion_control': names,
  'net.ipv4.tcp_available_congestion_control': names,
  'net.ipv4.tcp_available_ulp': names,
  'net.ipv4.tcp_congestion_control': text,
  'net.ipv4.tcp_fastopen_key': erased(fastOpenKeys),
  'net.ipv6.icmp.ratemask': ranges,
  'net.mptcp.path_manager': text,
  'net.mptcp.scheduler': text,
  'vm.numa_zonelist_order': text,
};
const secret = erased(address);

/** The format of a key that does not hold integers; undefined for all others. */
export function formatOf(name: string): KeyFormat | undefined {
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name];
  if (name.startsWith('net.ipv6.conf.') && name.endsWith('.stable_secret')) return secret;
  return name.startsWith('net.netfilter.') && /^net\.netfilter\.nf_log\.\d+$/.test(name) ? text : undefined;
}
