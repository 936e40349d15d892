import { isSafeSysctl } from '../../sysctl/kubelet-patterns.ts';
import type { Item } from './rendering.ts';

const INTERFACE = /^net\.ipv[46]\.(?:conf|neigh)\.(?!all\.|default\.|lo\.)([^.]+)\./;
const ABSENT = {
  absent: 'is not there in',
  readOnly: 'is read-only in',
  shared: 'is one value for the node, and not set in',
} as const;

/** Why a container runtime does not take a key; undefined when it does. Only namespaces of network and IPC are the container's to set. */
export function refusedInContainer({ name, catalog }: Item): string | undefined {
  if (!catalog) return `${name}: not known, so it cannot be said whether a runtime takes it`;
  const { newNamespace, pods, namespace } = catalog;
  if (newNamespace.presence !== 'own') return `${name}: ${ABSENT[newNamespace.presence]} a container`;
  if (!pods.allowable || (namespace !== 'net' && namespace !== 'ipc'))
    return `${name}: no runtime sets it in a container`;
  return undefined;
}

/** The interface of a key that only exists once the container's network is made. */
export const deviceOf = (name: string): string | undefined => INTERFACE.exec(name)?.[1];

export const needsAllowing = ({ name }: Item): boolean => !isSafeSysctl(name);
