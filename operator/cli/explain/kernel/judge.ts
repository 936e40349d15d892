import type { Namespace, Presence } from '../../../sysctl/catalog/types.ts';
import type { Listing } from './listing.ts';
import { MARK, type Measurement } from './measure.ts';

export interface Place {
  namespace: Namespace;
  presence: Presence;
}

const own = (namespace: Namespace): Place => ({ namespace, presence: 'own' });

function ofNet(name: string, seen: Measurement): Place {
  const child = seen.net.get(name);
  if (!child) return { namespace: 'none', presence: 'absent' };
  // Nobody can write some keys of a namespace; they are its own when the node shows another value or the file is read-only there too.
  if (!child.writable && seen.host.get(name)?.writable) return { namespace: 'none', presence: 'readOnly' };
  // What namespaces of strangers do not have at all is registered per namespace.
  const permitted = !child.writable || (seen.strangerNet.get(name)?.permitted ?? true);
  return permitted ? own('net') : { namespace: 'none', presence: 'shared' };
}

/** Whose value a key is, from what was seen only: no name is known here but that of the one key which needed a write. */
export function judge(name: string, seen: Measurement): Place {
  if (name.startsWith('net.')) return ofNet(name, seen);
  const everybody = seen.host.get(name)?.everybody;
  if (everybody && seen.pid.get(name)?.value !== seen.host.get(name)?.value) return own('pid');
  if (!everybody && seen.stranger.get(name)?.permitted) return own('user');
  if (!everybody && seen.strangerIpc.get(name)?.permitted) return own('ipc');
  if (!everybody && seen.strangerPid.get(name)?.permitted) return own('pid');
  if (seen.uts.get(name)?.value === MARK) return own('uts');
  if (name === 'vm.memfd_noexec' && seen.memfdStaysInside) return own('pid');
  return { namespace: 'none', presence: 'shared' };
}

/** A namespace of the kind as it is when it is new. Not of UTS: there the values were set to find out whose they are. */
export function freshOf(namespace: Namespace, seen: Measurement): Listing | undefined {
  const fresh: Partial<Record<Namespace, Listing>> = {
    net: seen.net,
    ipc: seen.ipc,
    pid: seen.pid,
    user: seen.stranger,
  };
  return fresh[namespace];
}
