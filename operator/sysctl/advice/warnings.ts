import type { SysctlEntry, SysctlProfileSpec } from '../../api/profile.ts';
import { guardOf } from '../guards.ts';
import { normalizePattern } from '../kubelet-patterns.ts';
import { kindsOf, laneOf } from './keys.ts';
import { exclusivePairs, unequalPairs, type Pair } from './pairs.ts';
import { kindsOfPattern, refusedBy } from './patterns.ts';
import { SENTENCES, type AdviceKind } from './sentences.ts';

/** Keys that one message names; it says how many more there are. */
export const MOST_NAMED = 8;

const listed = (items: readonly string[]): string =>
  items.length <= MOST_NAMED
    ? items.join(', ')
    : `${items.slice(0, MOST_NAMED).join(', ')} and ${items.length - MOST_NAMED} more`;

const keyOf = ({ name }: SysctlEntry): string => normalizePattern(name);
const together = ([a, b]: Pair): string => `${a} with ${b}`;

/** Why an entry is refused because spec.acknowledgeRisks does not name it; undefined when it is not. */
function refusals({ acknowledgeRisks = [] }: SysctlProfileSpec): (entry: SysctlEntry) => string | undefined {
  const acknowledged = new Set(acknowledgeRisks.map(normalizePattern));
  return (entry) => (acknowledged.has(keyOf(entry)) ? undefined : guardOf(keyOf(entry)));
}

/** What a person is told about a profile, by what is said; the keys and patterns as they are written in it. */
function findings(spec: SysctlProfileSpec): [field: string, found: Partial<Record<AdviceKind, string[]>>][] {
  const { sysctls = [], pods: { allowedUnsafeSysctls = [] } = {} } = spec;
  const onNode = sysctls.filter((entry) => laneOf(keyOf(entry), entry.scope ?? 'Auto') === 'Node');
  const written = new Map(onNode.map((entry) => [keyOf(entry), String(entry.value)]));
  const refusal = refusals(spec);
  const entries = (kind: AdviceKind): string[] =>
    sysctls
      .filter(
        (entry) =>
          refusal(entry) === undefined && kindsOf(keyOf(entry), entry.scope ?? 'Auto').includes(kind),
      )
      .map(({ name }) => name);
  const patterns = (kind: AdviceKind): string[] =>
    allowedUnsafeSysctls.filter((pattern) => kindsOfPattern(pattern).includes(kind));
  return [
    [
      'spec.sysctls',
      {
        guarded: sysctls.filter(refusal).map((entry) => `${entry.name} because ${refusal(entry) ?? ''}`),
        exclusive: exclusivePairs(written).map(together),
        same: unequalPairs(written).map(together),
        kubelet: entries('kubelet'),
        kubeProxy: entries('kubeProxy'),
        newPods: entries('newPods'),
        notPods: entries('notPods'),
        asked: entries('asked'),
      },
    ],
    [
      'spec.pods.allowedUnsafeSysctls',
      {
        wholeNode: patterns('wholeNode'),
        unsettable: patterns('unsettable'),
        tooWide: patterns('tooWide').map((pattern) => `${pattern} such as ${refusedBy(pattern) ?? ''}`),
      },
    ],
  ];
}

/**
 * The warnings that kubectl shows for a profile, in their order: the very texts of manifests/base/advice-policy.yaml. Says nothing about
 * what the API server refuses.
 */
export const warningsFor = (spec: SysctlProfileSpec): string[] =>
  findings(spec).flatMap(([field, found]) =>
    (Object.keys(SENTENCES) as AdviceKind[]).flatMap((kind) => {
      const items = found[kind] ?? [];
      return items.length === 0 ? [] : [`${field} (${listed(items)}): ${SENTENCES[kind]}`];
    }),
  );
