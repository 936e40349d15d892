import advice from '../catalog/advice.json' with { type: 'json' };
import { normalizePattern, patternMatches } from '../kubelet-patterns.ts';
import type { AdviceKind } from './sentences.ts';

/** The one sysctl that is writable in every network namespace and changes them all (net/netfilter/nf_hooks_lwtunnel.c). */
export const WHOLE_NODE = 'net.netfilter.nf_hooks_lwtunnel';
/** What a pattern can admit and no container runtime sets in a pod; the familiar ones first. */
export const UNSETTABLE: readonly string[] = advice.unsettable;

/** What is to be said about an entry of spec.pods.allowedUnsafeSysctls that the kubelet takes. */
export function kindsOfPattern(pattern: string): AdviceKind[] {
  const wide = normalizePattern(pattern).endsWith('*');
  return [
    ...(patternMatches(pattern, WHOLE_NODE) ? (['wholeNode'] as const) : []),
    ...(refusedBy(pattern) ? ([wide ? 'tooWide' : 'unsettable'] as const) : []),
  ];
}

/** A key that the pattern admits and no container runtime sets. */
export const refusedBy = (pattern: string): string | undefined =>
  UNSETTABLE.find((name) => patternMatches(pattern, name));
