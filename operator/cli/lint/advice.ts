import type { CatalogEntry } from '../../sysctl/catalog/types.ts';
import { kindsOf } from '../../sysctl/advice/keys.ts';
import { KUBELET_OWNED } from '../../sysctl/catalog/lookup.ts';
import { guardOf } from '../../sysctl/guards.ts';
import { kernelInteger } from '../../sysctl/values.ts';

const quoted = (value: string): string => (/^-?\d+$/.test(value) ? value : `"${value}"`);

/** An entry of a SysctlProfile, as it can be pasted. */
export const entryText = (name: string, value: string | undefined, more = ''): string =>
  `{name: ${name}, value: ${quoted(value ?? 'VALUE')}${more}}`;

/** What the kubelet sets at every start (pkg/kubelet/cm/container_manager_linux.go). */
const KUBELET_VALUES: Readonly<Record<string, string>> = {
  'vm.overcommit_memory': '1',
  'vm.panic_on_oom': '0',
  'kernel.panic': '10',
  'kernel.panic_on_oops': '1',
  'kernel.keys.root_maxkeys': '1000000',
  'kernel.keys.root_maxbytes': '25000000',
};

/** What to do about a key that the kubelet sets; `same` when the value is the kubelet's own. */
export function kubeletAdvice(name: string, value: string | undefined): { message: string; same: boolean } {
  const own = KUBELET_VALUES[name];
  const same = own !== undefined && own === value;
  return {
    same,
    message: same
      ? `the kubelet sets ${name} to ${own} at every start: a node has this already, leave it out`
      : `the kubelet sets ${name}${own === undefined ? '' : ` to ${own}`} at every start, and with protectKernelDefaults does not start when it differs: leave it out`,
  };
}

/** How a key gets on the nodes; a sentence without its beginning. */
export function onNodes(name: string, value: string | undefined, more = ''): string {
  if (KUBELET_OWNED.has(name)) return kubeletAdvice(name, value).message;
  const guard = guardOf(name);
  const owned = guard ? ` with acknowledgeRisks: [${name}], because ${guard}` : '';
  return `set it on the nodes with a SysctlProfile: ${entryText(name, value, more)}${owned}`;
}

/** Values that take a node out of a cluster. */
const HARM: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'net.ipv4.ip_forward': { 0: 'the node stops forwarding for its pods' },
  'net.ipv4.conf.all.forwarding': { 0: 'the node stops forwarding for its pods' },
  'net.ipv6.conf.all.forwarding': { 0: 'the node stops forwarding IPv6 for its pods' },
  'net.ipv4.conf.all.rp_filter': {
    1: 'packets of pods that come in by another interface are dropped (Calico and Cilium want 0 or 2)',
  },
  'net.bridge.bridge-nf-call-iptables': {
    0: 'Services do not work between pods of one node with bridge plugins and kube-proxy',
  },
  'net.ipv6.conf.all.disable_ipv6': {
    1: 'pods and Services with IPv6 addresses, and what listens on ::1, stop working',
  },
  'vm.overcommit_memory': { 2: 'fork and mmap fail for any process of the node' },
};

/** What the value does to a node of a cluster; undefined when nothing is known against it. */
export const harmOf = (name: string, value: string | undefined): string | undefined =>
  HARM[name]?.[value ?? ''];

/**
 * Limits that cost nothing until they are used, so that less than the default is never wanted; and the kernel since which the default is
 * that large, where advice from before is still being copied.
 */
const LIMITS: Readonly<Record<string, string | undefined>> = {
  'kernel.sem': '3.19',
  'kernel.shmmax': '3.16',
  'kernel.shmall': '3.16',
  'kernel.shmmni': undefined,
  'kernel.msgmni': undefined,
  'kernel.msgmax': undefined,
  'kernel.msgmnb': undefined,
  'net.core.somaxconn': '5.4',
};

/** Says that a value takes away from what a fresh namespace has; undefined when it does not. */
export function lowersLimit(name: string, value: string, entry: CatalogEntry): string | undefined {
  const { default: start } = entry.newNamespace;
  if (!Object.hasOwn(LIMITS, name) || start === null) return undefined;
  const [now, wanted] = [start, value].map((text) => text.trim().split(/\s+/).map(kernelInteger));
  const lower = wanted?.some((part, index) => part !== undefined && part < (now?.[index] ?? part));
  const since = LIMITS[name] ? ` since Linux ${LIMITS[name]}` : '';
  return lower
    ? `${name} "${value}" is less than the kernel's own default "${start}"${since}: leave it out, or ask for more than that`
    : undefined;
}

/** What the node's value of a namespaced key is to pods; undefined where it counts for them too, or the question makes no sense. */
export function reach(
  name: string,
  { newNamespace, pods }: CatalogEntry,
): { rule: 'host-value' | 'new-pods-only'; message: string } | undefined {
  const kinds = kindsOf(name, 'Node', 'Node');
  if (kinds.includes('newPods'))
    return {
      rule: 'new-pods-only',
      message: `pods copy ${name} from the node when they start: pods that run keep what they have until they are made again`,
    };
  if (!kinds.includes('notPods')) return undefined;
  const starts = !newNamespace.default ? '' : `, and starts with ${newNamespace.default}`;
  const how = pods.safeSince === null ? ', which the kubelet must allow (a SysctlProfile does that)' : '';
  return {
    rule: 'host-value',
    message: `reaches no pod: each has its own ${name}${starts}; a pod sets it in securityContext.sysctls${pods.allowable ? how : ''}`,
  };
}
