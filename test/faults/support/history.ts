import type { RevisionData } from '../../../operator/api/revision.ts';
import type { Wanted } from './profiles.ts';

/** One version of a NodeSysctlState, as a watch told it. */
export interface Seen {
  /** When, in ms of performance.now(). */
  at: number;
  node: string;
  uid: string;
  /** spec.revision. */
  told: string;
  /** status.observedRevision. */
  observed: string | undefined;
}

/** Comparable: one text for one content. */
export const contentKey = (wanted: Wanted): string => JSON.stringify(wanted);

/** What a revision asks for, as `wantedOf` says it. */
export const contentOfRevision = ({ sysctls, kubelet }: RevisionData): string =>
  contentKey({
    sysctls: sysctls
      .map((s): [string, string, string] => [s.name, s.value, s.profile])
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    patterns: kubelet.allowedUnsafeSysctls.toSorted(),
  });

const midChange = ({ told, observed }: Seen): boolean => told !== observed;

/** What a watch told, in its order, at a time in ms: of a state (undefined: it went), or of a Node. */
export type Told = { at: number; node: string } & ({ state: Seen | undefined } | { ready: boolean });

/** What the operator knew of a Node may be this old when it decides, in ms. */
const LAG_MS = 5000;
/** Nodes are told of by another watch than states: a Node that went may be heard of this much later than by the operator, in ms. */
const HEARD_LATER_MS = 1000;

/** When nodes were not Ready, or may have been so as far as the operator knew. */
class Unready {
  readonly #stretches = new Map<string, { from: number; to: number }[]>();

  constructor(history: readonly Told[]) {
    for (const told of history) if ('ready' in told) this.#saw(told.node, told.ready, told.at);
  }

  is(node: string, at: number): boolean {
    return (this.#stretches.get(node) ?? []).some(
      ({ from, to }) => at >= from - HEARD_LATER_MS && at <= to + LAG_MS,
    );
  }

  #saw(node: string, ready: boolean, at: number): void {
    const stretches = this.#stretches.get(node) ?? [];
    this.#stretches.set(node, stretches);
    const open = stretches.at(-1)?.to === Number.POSITIVE_INFINITY ? stretches.at(-1) : undefined;
    if (!ready && !open) stretches.push({ from: at, to: Number.POSITIVE_INFINITY });
    else if (ready && open) open.to = at;
  }
}

/**
 * Nodes that were told to start while so many others of the same profile were mid-change that they had to wait. It counts as the rollout
 * does: a node that is not Ready is unavailable already, so telling it something makes that no worse. `profilesOf`: of a revision.
 */
export function overBudget(
  history: readonly Told[],
  profilesOf: (revision: string) => readonly string[],
  maxUnavailable: number,
): string[] {
  const problems: string[] = [];
  const now = new Map<string, Seen>();
  const unready = new Unready(history);
  for (const told of history) {
    const { node, at } = told;
    if ('ready' in told) continue;
    const before = now.get(node);
    if (!told.state) now.delete(node);
    else now.set(node, told.state);
    const { state } = told;
    if (!state || !midChange(state) || (before && midChange(before)) || unready.is(node, at)) continue;
    for (const profile of profilesOf(state.told)) {
      const others = [...now.values()].filter(
        (s) => s.node !== node && midChange(s) && profilesOf(s.told).includes(profile),
      );
      if (others.length >= maxUnavailable)
        problems.push(
          `${Math.round(at)} ms: ${node} was told to start (${before?.told ?? 'nothing'} -> ${state.told}) for profile ${profile} while ${others.map((s) => `${s.node} was on its way (${s.observed ?? 'nothing'} -> ${s.told})`).join(' and ')}`,
        );
    }
  }
  return problems;
}

/** The values without those that repeat the one before them. */
export const withoutRepeats = <T>(values: readonly T[]): T[] =>
  values.filter((v, i) => i === 0 || v !== values[i - 1]);

/**
 * What came must be what was asked for, in the same order; some of it may be left out, when changes follow each other quickly. Returns what
 * came once more, or out of order, or was never asked for.
 */
export function outOfOrder(asked: readonly string[], came: readonly string[]): string[] {
  const problems: string[] = [];
  let at = -1;
  for (const content of withoutRepeats(came)) {
    const next = asked.indexOf(content, at + 1);
    if (next >= 0) at = next;
    else
      problems.push(
        asked.includes(content)
          ? `came again, or after something newer: ${content}`
          : `came, and nobody asked for it: ${content}`,
      );
  }
  return problems;
}

/** Agents report revisions in the order in which their nodes were told them. */
export function reportedOutOfOrder(seen: readonly Seen[]): string[] {
  const told = withoutRepeats(seen.map((s) => `${s.uid} ${s.told}`));
  const reported = withoutRepeats(
    seen.flatMap((s) => (s.observed === undefined ? [] : [`${s.uid} ${s.observed}`])),
  );
  return outOfOrder(told, reported);
}
