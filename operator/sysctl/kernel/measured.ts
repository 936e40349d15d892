import { kubeletNamespace } from '../kubelet-patterns.ts';
import { lookup } from '../catalog/lookup.ts';
import type { Presence } from '../catalog/types.ts';

/**
 * What was seen of a node's sysctls. Names with a dot as first separator; of the interfaces only `all`, `default` and `lo`, which
 * every network namespace has.
 */
export interface MeasuredKernel {
  /** The node's own, true where the file's mode lets somebody write. */
  host: ReadonlyMap<string, boolean>;
  /** Everybody may write these: what the kernel permits says nothing about whose they are. */
  everybody: ReadonlySet<string>;
  /** net.* in a new network namespace, true where writable. */
  fresh: ReadonlyMap<string, boolean>;
  /** Not net.*: what the kernel lets root of new user, IPC and pid namespaces write, who is nobody on the node. */
  permitted: ReadonlySet<string>;
  /** A new name set in a new UTS namespace was there and not on the node. */
  ownNames: ReadonlySet<string>;
}

const BEFORE_6_10 = 'kernel.sem';

/**
 * That root of new namespaces may not write a key proves that it is the node's, but only where the kernel asks for its namespaces at
 * all: of IPC keys since 6.10, of pid_max since 6.14. A key that answers yes shows that it does.
 */
function refusalCounts(name: string, { permitted }: MeasuredKernel): boolean {
  if (name === 'kernel.pid_max') return permitted.has('user.max_user_namespaces');
  if (kubeletNamespace(name) !== 'ipc') return false;
  if (!name.startsWith('fs.mqueue.')) return permitted.has(BEFORE_6_10) || permitted.has('kernel.msgmax');
  return [...permitted].some((other) => other.startsWith('fs.mqueue.'));
}

/**
 * What new namespaces have of a key that the node has; undefined where nothing was proved, so that the catalog stands: that a key which
 * new namespaces can write is shared with the node shows only when it is written (net.netfilter.nf_hooks_lwtunnel).
 */
export function presenceOf(name: string, kernel: MeasuredKernel): Presence | undefined {
  if (name.startsWith('net.')) {
    if (kernel.fresh.size === 0) return undefined;
    const writable = kernel.fresh.get(name);
    if (writable === undefined) return 'absent';
    if (!writable) return kernel.host.get(name) ? 'readOnly' : undefined;
    return lookup(name).podPresence === 'shared' ? undefined : 'own';
  }
  if (kernel.ownNames.has(name)) return 'own';
  if (kernel.everybody.has(name)) return undefined;
  if (kernel.permitted.has(name)) return 'own';
  return refusalCounts(name, kernel) ? 'shared' : undefined;
}
