import type { CatalogEntry, Namespace, ProviderRange } from '../../sysctl/catalog/types.ts';
import { count } from '../text.ts';

const NAMES: Record<Namespace, string> = {
  net: 'network namespace',
  ipc: 'IPC namespace',
  uts: 'UTS namespace',
  user: 'user namespace',
  pid: 'PID namespace',
  none: 'node',
};

/** The few words beside the name. */
export const badge = ({ namespace }: CatalogEntry): string =>
  namespace === 'none' ? 'one value for the whole node' : `one value for each ${NAMES[namespace]}`;

/** What a pod with its own namespaces has, and what of the node's value reaches it. */
export function inPod({ namespace, newNamespace: { presence, default: start, from } }: CatalogEntry): string {
  if (presence === 'absent') return "not there at all: it exists on the host's network only";
  if (presence === 'readOnly') return "shows the node's value and cannot be changed there";
  if (presence === 'shared')
    return namespace === 'none'
      ? "the node's own: who can write it in a pod changes it for the whole node"
      : "the node's own";
  const begins = start === null ? '' : ` ${start}`;
  if (from === 'hardCoded')
    return `its own, and starts with the kernel's default${begins}, whatever the node has: a value set on the node never reaches it`;
  if (from === 'init')
    return `its own, and starts as a copy of the node's${begins && ` (${start} unless somebody changed that)`}: a value set on the node reaches pods that start afterwards, and no running one`;
  if (from === 'parent')
    return "its own, and starts as a copy of what the container runtime has, which is the node's";
  return `its own${begins && `, and starts with ${start}`}`;
}

/** Whether a pod may ask for it in securityContext.sysctls. */
export function podsMay({ newNamespace, pods, writable }: CatalogEntry): string {
  const { safeSince, minKernel, allowable } = pods;
  if (safeSince !== null)
    return `may set it for themselves since Kubernetes ${safeSince}${minKernel ? ` (Linux ${minKernel} and newer)` : ''}, nothing has to be allowed`;
  if (allowable && newNamespace.presence === 'shared')
    return 'could set it where the kubelet allows it, and would change the whole node: do not allow it';
  if (allowable) return 'may set it for themselves where the kubelet allows it (allowedUnsafeSysctls)';
  return writable ? 'cannot set it' : 'cannot set it: nobody can';
}

const KINDS: Record<CatalogEntry['type'], string> = {
  int: 'integer',
  uint: 'integer',
  long: 'integer',
  ulong: 'integer',
  bool: 'switch, 0 or 1',
  string: 'text',
  tuple: 'integer',
  bitmap: 'list of numbers and ranges, such as 0-3,7',
  hex: 'mask in hexadecimal, without 0x',
  ports: 'list of ports and ranges, such as 8080,30000-32767',
};

const INT_MAX = 2 ** 31 - 1;

function rangeOf([min, max]: readonly [number, number], arity: number | null): string {
  if (min === -INT_MAX - 1 && max === INT_MAX) return 'anything of 32 bits: the kernel does not check';
  const each = arity === 1 ? '' : 'each ';
  return Number.isSafeInteger(max) ? `${each}${min} to ${max}` : `${each}from ${min}`;
}

/** Count, kind, unit and range of the values. */
export function valueKind({ type, arity, unit, range, writable }: CatalogEntry): string {
  const kind = KINDS[type];
  const many = kind === 'integer' ? (arity === null ? 'integers' : count(arity, 'integer')) : kind;
  const parts = [many, unit, range && rangeOf(range, arity), writable ? undefined : 'read-only'];
  return parts.filter((part) => part !== undefined).join(', ');
}

export const providerRange = (range: ProviderRange): string =>
  typeof range === 'string' ? range : `${range[0]} to ${range[1]}`;

/** Where it has to be written, in a word, for the list of many keys. */
export function whereTo({ newNamespace, pods, writable }: CatalogEntry): string {
  if (!writable) return 'read-only';
  if (newNamespace.presence !== 'own') return 'node';
  if (pods.safeSince !== null) return 'pod';
  return pods.allowable ? 'pod, allow' : 'node';
}
