/** One managed node as the rollout sees it. */
export interface RolloutNode {
  name: string;
  /** Revision that it must have. */
  wanted: string;
  /** spec.revision of its state; absent when it has none yet. */
  current?: string;
  /** status.observedRevision. */
  observed?: string;
  /** How the agent stands with its current revision. */
  state: 'ready' | 'failed' | 'drifted' | 'progressing' | 'unknown';
  /** The Node's Ready condition is True. */
  available: boolean;
  /** Profiles whose budget a change counts against. */
  profiles: readonly string[];
}

export interface RolloutProfile {
  /** An integer of at least 1, or a percentage of the matched nodes. */
  maxUnavailable: number | string;
  paused: boolean;
  matched: number;
}

export interface RolloutInput {
  nodes: readonly RolloutNode[];
  profiles: ReadonlyMap<string, RolloutProfile>;
}

export interface RolloutDecision {
  /** Nodes that may be told their wanted revision now. */
  start: string[];
  /** Nodes that must wait, with the reason for a person. */
  waiting: Map<string, string>;
  /** Profiles whose wave a failed node holds back. */
  stalled: Map<string, { node: string; reason: string }>;
}

/** Leaving nodes whose profiles are gone have no budget of their own: this part of them may change at once. */
const ORPHANS = 0.1;

/** How many nodes of `matched` may be mid-change: a percentage rounds down, and it is never less than 1. */
export function budgetOf(maxUnavailable: number | string, matched: number): number {
  if (typeof maxUnavailable === 'number') return Math.max(1, Math.trunc(maxUnavailable));
  const percent = /^(\d+)%$/.exec(maxUnavailable)?.[1];
  const count =
    percent === undefined ? Number(maxUnavailable) : Math.floor((matched * Number(percent)) / 100);
  return Math.max(1, Number.isFinite(count) ? Math.trunc(count) : 1);
}

const hasWanted = (node: RolloutNode): boolean => node.current === node.wanted;
const converged = (node: RolloutNode): boolean =>
  node.current !== undefined && node.observed === node.current;
/** It has been told a revision and is not through with it: not there yet, or its Node is not Ready. */
const midChange = (node: RolloutNode): boolean =>
  !node.available || (node.current !== undefined && !converged(node));

/** What is shared while one decision is made; each start takes from it. */
interface Wave {
  input: RolloutInput;
  used: Map<string, number>;
  orphans: { used: number; budget: number };
  stalled: RolloutDecision['stalled'];
}

/** Says why a node may not start now, or undefined. */
type Gate = (node: RolloutNode, wave: Wave) => string | undefined;

const paused: Gate = (node, { input }) => {
  const profile = node.profiles.find((p) => input.profiles.get(p)?.paused);
  return profile && `the rollout of profile ${profile} is paused`;
};

const noFailedNode: Gate = (node, { stalled }) => {
  const held = node.profiles
    .map((p) => [p, stalled.get(p)] as const)
    .find(([, s]) => s && s.node !== node.name);
  return held && `profile ${held[0]}: ${held[1]?.reason}`;
};

const withinBudget: Gate = (node, { input, used, orphans }) => {
  // It counts as unavailable already: taking a newer revision does not make one more.
  if (midChange(node)) return undefined;
  if (node.profiles.length === 0 && orphans.used >= orphans.budget)
    return `${orphans.used} other nodes are being given back`;
  const full = node.profiles.find((p) => {
    const profile = input.profiles.get(p);
    return profile && (used.get(p) ?? 0) >= budgetOf(profile.maxUnavailable, profile.matched);
  });
  return full && `profile ${full}: maxUnavailable is reached (${used.get(full)} mid-change or not Ready)`;
};

/** Every gate must be open. Canary and soak time are further gates. */
const gates: readonly Gate[] = [paused, noFailedNode, withinBudget];

function openWave(input: RolloutInput): Wave {
  const wave: Wave = { input, used: new Map(), orphans: { used: 0, budget: 1 }, stalled: new Map() };
  let orphans = 0;
  for (const node of input.nodes) {
    if (node.profiles.length === 0) orphans++;
    if (midChange(node)) take(wave, node);
    // A failure on an older revision does not stand in the way of the newer one that may mend it.
    if (node.state === 'failed' && hasWanted(node) && converged(node))
      for (const profile of node.profiles)
        if (!wave.stalled.has(profile))
          wave.stalled.set(profile, {
            node: node.name,
            reason: `node ${node.name} failed and holds back the nodes that have not changed yet`,
          });
  }
  wave.orphans.budget = Math.max(1, Math.floor(orphans * ORPHANS));
  return wave;
}

function take(wave: Wave, node: RolloutNode): void {
  if (node.profiles.length === 0) wave.orphans.used++;
  for (const profile of node.profiles) wave.used.set(profile, (wave.used.get(profile) ?? 0) + 1);
}

const natural = new Intl.Collator('en', { numeric: true });

/** Which nodes may change now. Pure; the same input gives the same answer, in the natural order of the names. */
export function chooseNodes(input: RolloutInput): RolloutDecision {
  const wave = openWave(input);
  const decision: RolloutDecision = { start: [], waiting: new Map(), stalled: wave.stalled };
  const candidates = input.nodes.filter((node) => !hasWanted(node));
  const order = candidates.toSorted(
    (a, b) => Number(midChange(b)) - Number(midChange(a)) || natural.compare(a.name, b.name),
  );
  for (const node of order) {
    const veto = gates.map((gate) => gate(node, wave)).find((reason) => reason !== undefined);
    if (veto !== undefined) {
      decision.waiting.set(node.name, veto);
      continue;
    }
    if (!midChange(node)) take(wave, node);
    decision.start.push(node.name);
  }
  return decision;
}
