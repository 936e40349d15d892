import type { MeasuredKernel } from '../../../operator/sysctl/kernel/measured.ts';

/** The catalog of these tests: a few of its writable names. */
export const KNOWN = [
  'fs.mqueue.msg_max',
  'kernel.hostname',
  'kernel.msgmax',
  'kernel.pid_max',
  'kernel.sem',
  'kernel.shmmax',
  'net.core.netdev_max_backlog',
  'net.core.rmem_max',
  'net.core.somaxconn',
  'net.ipv4.conf.*.forwarding',
  'net.ipv4.conf.all.forwarding',
  'net.ipv4.neigh.default.gc_thresh3',
  'net.ipv4.vs.conn_reuse_mode',
  'net.ipv4.vs.conntrack',
  'net.netfilter.nf_hooks_lwtunnel',
  'user.max_user_namespaces',
  'vm.max_map_count',
  'vm.swappiness',
];
const FRESH_LACKS = new Set(['net.core.netdev_max_backlog', 'net.ipv4.neigh.default.gc_thresh3']);
const PERMITTED = [
  'fs.mqueue.msg_max',
  'kernel.msgmax',
  'kernel.pid_max',
  'kernel.sem',
  'kernel.shmmax',
  'user.max_user_namespaces',
];

/** What is otherwise than in the catalog; undefined takes a file away. */
export interface KernelDraft {
  host?: Record<string, boolean | undefined>;
  fresh?: Record<string, boolean | undefined> | 'none';
  notPermitted?: readonly string[];
}

const withChanges = (
  files: Iterable<[string, boolean]>,
  changes: Record<string, boolean | undefined>,
): Map<string, boolean> => {
  const all = { ...Object.fromEntries(files), ...changes };
  return new Map(Object.entries(all).filter((file): file is [string, boolean] => file[1] !== undefined));
};

/** A kernel that has the names above as the catalog says. */
export function measuredKernel({
  host = {},
  fresh = {},
  notPermitted = [],
}: KernelDraft = {}): MeasuredKernel {
  const files = KNOWN.map((name): [string, boolean] => [name.replace('.*.', '.lo.'), true]);
  const inside = files
    .filter(([name]) => name.startsWith('net.') && !FRESH_LACKS.has(name))
    .map(([name]): [string, boolean] => [name, name !== 'net.core.rmem_max']);
  return {
    host: withChanges(files, host),
    everybody: new Set(),
    fresh: fresh === 'none' ? new Map() : withChanges(inside, fresh),
    permitted: new Set(PERMITTED.filter((name) => !notPermitted.includes(name))),
    ownNames: new Set(['kernel.hostname']),
  };
}
