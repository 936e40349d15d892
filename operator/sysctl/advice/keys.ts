import type { Lane, Scope } from '../../api/profile.ts';
import advice from '../catalog/advice.json' with { type: 'json' };
import { KUBE_PROXY_OWNED, KUBELET_OWNED, lookup } from '../catalog/lookup.ts';
import { checkPattern, kubeletNamespace } from '../kubelet-patterns.ts';
import type { AdviceKind } from './sentences.ts';

const COPIED = new Set(advice.copied);
/** Devices start with conf.default of their own namespace, and that with the node's (net/ipv4/devinet.c). */
export const COPIED_FAMILY = /^net\.ipv4\.conf\.(all|default)\./;
/** Its value is about one interface, which is the node's. */
export const ONE_INTERFACE = /^net\.ipv[46]\.(conf|neigh)\./;
export const ALL_INTERFACES = /^net\.ipv6\.conf\.(all|default)\./;
/** Packets of pods pass through the node, so the value of the node's namespace counts for them too. */
export const ON_THE_WAY = /^net\.(netfilter|bridge|ipv4\.vs|nf_\w+)\b|\.forwarding$/;

/** What a key is to a pod: set in securityContext.sysctls (Pod) or, where a pod cannot have it for itself, on the node. */
export function laneOf(name: string, scope: Scope): Lane {
  if (scope !== 'Auto') return scope;
  const own = lookup(name).podPresence === 'own' && kubeletNamespace(name) !== undefined;
  return own && checkPattern(name) === undefined ? 'Pod' : 'Node';
}

/** Whether the value that a node gets is one that pods have too; undefined where it is, or where the question makes no sense. */
function reach(name: string): AdviceKind | undefined {
  if (COPIED.has(name) || COPIED_FAMILY.test(name)) return 'newPods';
  if (lookup(name).podPresence !== 'own' || kubeletNamespace(name) === undefined) return undefined;
  if (ONE_INTERFACE.test(name) && !ALL_INTERFACES.test(name)) return undefined;
  return ON_THE_WAY.test(name) ? undefined : 'notPods';
}

/** What is to be said about one key by itself, the most urgent first. Names with a dot as first separator. */
export function kindsOf(name: string, scope: Scope, lane: Lane = laneOf(name, scope)): AdviceKind[] {
  if (KUBELET_OWNED.has(name)) return ['kubelet'];
  if (lane === 'Pod') return scope === 'Auto' ? ['asked'] : [];
  const kinds: (AdviceKind | undefined)[] = [
    KUBE_PROXY_OWNED.has(name) ? 'kubeProxy' : undefined,
    reach(name),
  ];
  return kinds.filter((kind) => kind !== undefined);
}
