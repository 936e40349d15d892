import type { Lane, SysctlEntry } from '../../api/profile.ts';
import { otherWriters } from '../catalog/lookup.ts';
import { checkShape } from '../values.ts';
import { kindsOf } from './keys.ts';
import { crossedPairs, exclusivePairs, unequalPairs, type Pair, type Written } from './pairs.ts';
import { kindsOfPattern, refusedBy, UNSETTABLE } from './patterns.ts';
import { SENTENCES } from './sentences.ts';

/** What an entry was resolved to. */
export interface Advised extends Pick<SysctlEntry, 'value' | 'scope'> {
  /** With a dot as first separator. */
  name: string;
  lane: Lane;
}

const KUBERNETES = /^(kubelet|kube-proxy|CNI plugin)/;
const REFUSED = new Set(UNSETTABLE);

/** The other name of the first pair that has this one. */
const partner = (pairs: readonly Pair[], name: string): string | undefined =>
  pairs.find((pair) => pair.includes(name))?.find((one) => one !== name);

function fight(name: string, written: Written): string | undefined {
  const bound = crossedPairs(written).find((pair) => pair.includes(name));
  if (bound) return `${bound[0]} is above ${bound[1]}, which the kernel refuses`;
  const exclusive = partner(exclusivePairs(written), name);
  if (exclusive) return `with ${exclusive}: ${SENTENCES.exclusive}`;
  const same = partner(unequalPairs(written), name);
  return same && `with ${same}: ${SENTENCES.same}`;
}

function onNode({ name, scope = 'Auto' }: Advised, written: Written): string | undefined {
  const fights = fight(name, written);
  if (fights) return fights;
  const [kind] = kindsOf(name, scope, 'Node');
  if (kind === 'kubelet' || kind === 'kubeProxy') return SENTENCES[kind];
  const writers = otherWriters(name);
  if (KUBERNETES.test(writers[0] ?? ''))
    return `${writers.join(', ')} ${writers.length === 1 ? 'sets' : 'set'} it too`;
  return kind && SENTENCES[kind];
}

function inPods({ name, value, scope = 'Auto' }: Advised): string | undefined {
  if (name.includes('/'))
    return 'container runtimes do not find an interface that has a dot; a pod that sets this one stays in ContainerCreating';
  if (REFUSED.has(name)) return SENTENCES.unsettable;
  const shape = checkShape(name, String(value));
  if (shape) return `pods set it in securityContext.sysctls, but not to this value: ${shape}`;
  return scope === 'Auto' ? SENTENCES.asked : 'pods set it in securityContext.sysctls';
}

/**
 * The most urgent thing to say about an entry of a profile, as a part of a sentence; undefined when it is just what it seems. Beside the
 * warnings at admission: bounds that cross, values that a pod cannot set, interfaces that a runtime cannot name, other writers.
 */
export const adviceFor = (entry: Advised, written: Written): string | undefined =>
  entry.lane === 'Node' ? onNode(entry, written) : inPods(entry);

/** What to say about an entry of spec.pods.allowedUnsafeSysctls; undefined when it admits only what a pod can set for itself. */
export function adviceForPattern(pattern: string): string | undefined {
  const sentences = kindsOfPattern(pattern).map((kind) =>
    kind === 'tooWide' ? `${SENTENCES[kind]}, for example with ${refusedBy(pattern) ?? ''}` : SENTENCES[kind],
  );
  return sentences.length === 0 ? undefined : sentences.join('; ');
}
