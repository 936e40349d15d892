import essentials from './essentials.json' with { type: 'json' };
import type { Namespace, Presence } from './types.ts';

export interface Placement {
  namespace: Namespace;
  /** What a pod with its own namespaces sees of the key. */
  podPresence: Presence;
}

const ABSENT = new Set(essentials.node.absent);
const READ_ONLY = new Set(essentials.node.readOnly);
const SHARED = new Set(essentials.node.shared);
const IPC = new Set(essentials.ipc);
const UTS = new Set(essentials.uts);
const PID = new Set(essentials.pid);
/** neigh.default holds limits of the whole node (gc_thresh*); a new network namespace does not have it. */
export const ABSENT_FAMILY = /^net\.ipv[46]\.neigh\.default\./;

/**
 * Which namespace a key belongs to and what a pod sees of it, for Linux 6.18: 113 of 558 net.* keys are not namespaced, although
 * the kubelet takes all of them for it. A net.* key that nobody knows is taken for a namespaced one. Names with a dot as first separator.
 */
export function lookup(name: string): Placement {
  if (name.startsWith('net.')) {
    if (ABSENT.has(name) || ABSENT_FAMILY.test(name)) return { namespace: 'none', podPresence: 'absent' };
    if (READ_ONLY.has(name)) return { namespace: 'none', podPresence: 'readOnly' };
    if (SHARED.has(name)) return { namespace: 'none', podPresence: 'shared' };
    return { namespace: 'net', podPresence: 'own' };
  }
  if (IPC.has(name) || name.startsWith('fs.mqueue.')) return { namespace: 'ipc', podPresence: 'own' };
  if (UTS.has(name)) return { namespace: 'uts', podPresence: 'own' };
  if (PID.has(name)) return { namespace: 'pid', podPresence: 'own' };
  if (name.startsWith('user.')) return { namespace: 'user', podPresence: 'own' };
  return { namespace: 'none', podPresence: 'shared' };
}

const TUPLES = new Map(Object.entries(essentials.tuples));

/** How many values a key takes, where it takes more than one and that is known without its kernel. */
export const tupleSize = (name: string): number | undefined => TUPLES.get(name);

const WRITERS = new Map<string, readonly string[]>(Object.entries(essentials.writers));
const INTERFACE = /^(net\.ipv[46]\.(?:conf|neigh)\.)[^.]+(\.[^.]+)$/;

/** Who else writes a key on a node, as far as it is known; for the message when two writers fight. */
export const otherWriters = (name: string): readonly string[] =>
  WRITERS.get(name) ??
  WRITERS.get(name.replace(INTERFACE, '$1*$2')) ?? ['systemd-sysctl', 'TuneD', 'a privileged pod'];

const writtenBy = (writer: string): ReadonlySet<string> =>
  new Set([...WRITERS].filter(([, writers]) => writers.includes(writer)).map(([name]) => name));

/** The kubelet sets these at every start, or refuses to start with protectKernelDefaults (pkg/kubelet/cm/container_manager_linux.go). */
export const KUBELET_OWNED = writtenBy('kubelet (at every start)');

/** kube-proxy sets these from its configuration (cmd/kube-proxy/app/conntrack.go). */
export const KUBE_PROXY_OWNED = writtenBy('kube-proxy (at every start)');
