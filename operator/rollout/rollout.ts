/** One managed node as the rollout sees it. */
export interface RolloutNode {
  name: string;
  /** Revision that it must have. */
  wanted: string;
  /** spec.revision of its state; absent when it has none yet. */
  current?: string;
  /** status.observedRevision. */
  observed?: string;
  /** It was told a revision that its state does not show: that may be written at any moment, or never. */
  begun?: boolean;
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

/** It counts before anything is decided. One that was begun and is still to change is decided about anew: what was good then may not be now. */
const counts = (node: RolloutNode): boolean => midChange(node) || (node.begun === true && hasWanted(node));

/** Everything that a decision is made from, counted. */
interface Wave {
  profiles: ReadonlyMap<string, RolloutProfile>;
  /** Nodes mid-change, per profile; each start adds to it. */
  used: Map<string, number>;
  orphans: { used: number; budget: number };
  stalled: RolloutDecision['stalled'];
}

/** Says why a node may not start now, or undefined. */
type Gate = (node: RolloutNode, wave: Wave) => string | undefined;

const paused: Gate = (node, { profiles }) => {
  const profile = node.profiles.find((p) => profiles.get(p)?.paused);
  return profile && `the rollout of profile ${profile} is paused`;
};

const noFailedNode: Gate = (node, { stalled }) => {
  const held = node.profiles.find((p) => stalled.has(p) && stalled.get(p)?.node !== node.name);
  return held && `profile ${held}: ${stalled.get(held)?.reason}`;
};

const withinBudget: Gate = (node, { profiles, used, orphans }) => {
  // It counts as unavailable already: taking a newer revision does not make one more.
  if (midChange(node)) return undefined;
  if (node.profiles.length === 0 && orphans.used >= orphans.budget)
    return `${orphans.used} other nodes are being given back`;
  const full = node.profiles.find((p) => {
    const profile = profiles.get(p);
    return profile && (used.get(p) ?? 0) >= budgetOf(profile.maxUnavailable, profile.matched);
  });
  return full && `profile ${full}: maxUnavailable is reached (${used.get(full)} mid-change or not Ready)`;
};

/** Every gate must be open. Canary and soak time are further gates. */
const gates: readonly Gate[] = [paused, noFailedNode, withinBudget];

/** A failure on an older revision does not stand in the way of the newer one that may mend it. */
const holdsBack = (node: RolloutNode): boolean =>
  node.state === 'failed' && hasWanted(node) && converged(node);

/** Sorts as people count: node-2 before node-10. A comparison of strings costs a hundredth of Intl.Collator's. */
const naturalKey = (name: string): string =>
  `${name.replaceAll(/\d+/g, (digits) => digits.padStart(12, '0'))} ${name}`;

interface Member {
  node: RolloutNode;
  key: string;
}

const rank = (node: RolloutNode): number => (midChange(node) ? 0 : node.begun ? 1 : 2);
const inOrder = (a: Member, b: Member): number => rank(a.node) - rank(b.node) || (a.key < b.key ? -1 : 1);

/**
 * All managed nodes as the rollout sees them. Which may change now depends on them and the profiles alone, not on the order in which they
 * came; counted while they come, so that a decision costs what has work and not what is there.
 */
export class Rollout {
  readonly #members = new Map<string, Member>();
  readonly #used = new Map<string, number>();
  readonly #orphans = new Set<string>();
  readonly #candidates = new Map<string, Member>();
  readonly #failed = new Map<string, Member>();
  #orphansUsed = 0;

  setNode(node: RolloutNode): void {
    this.removeNode(node.name);
    const member = { node, key: naturalKey(node.name) };
    this.#members.set(node.name, member);
    if (node.profiles.length === 0) this.#orphans.add(node.name);
    if (!hasWanted(node)) this.#candidates.set(node.name, member);
    if (holdsBack(node)) this.#failed.set(node.name, member);
    if (counts(node)) this.#count(node, 1);
  }

  removeNode(name: string): void {
    const node = this.#members.get(name)?.node;
    if (!node) return;
    if (counts(node)) this.#count(node, -1);
    for (const map of [this.#members, this.#orphans, this.#candidates, this.#failed]) map.delete(name);
  }

  /**
   * Which nodes may change now, in the natural order of their names; those that are mid-change already before those that were told to begin,
   * and these before the others.
   */
  choose(profiles: ReadonlyMap<string, RolloutProfile>): RolloutDecision {
    const wave: Wave = {
      profiles,
      used: new Map(this.#used),
      orphans: { used: this.#orphansUsed, budget: Math.max(1, Math.floor(this.#orphans.size * ORPHANS)) },
      stalled: this.#stalled(),
    };
    const decision: RolloutDecision = { start: [], waiting: new Map(), stalled: wave.stalled };
    for (const { node } of [...this.#candidates.values()].toSorted(inOrder)) {
      const veto = gates.map((gate) => gate(node, wave)).find((reason) => reason !== undefined);
      if (veto === undefined) decision.start.push(node.name);
      else decision.waiting.set(node.name, veto);
      if (!midChange(node) && (veto === undefined || node.begun)) take(wave, node);
    }
    return decision;
  }

  #count(node: RolloutNode, by: number): void {
    if (node.profiles.length === 0) this.#orphansUsed += by;
    for (const profile of node.profiles) this.#used.set(profile, (this.#used.get(profile) ?? 0) + by);
  }

  #stalled(): RolloutDecision['stalled'] {
    const stalled: RolloutDecision['stalled'] = new Map();
    for (const { node } of [...this.#failed.values()].toSorted(inOrder))
      for (const profile of node.profiles)
        if (!stalled.has(profile))
          stalled.set(profile, {
            node: node.name,
            reason: `node ${node.name} failed and holds back the nodes that have not changed yet`,
          });
    return stalled;
  }
}

function take(wave: Wave, node: RolloutNode): void {
  if (node.profiles.length === 0) wave.orphans.used++;
  for (const profile of node.profiles) wave.used.set(profile, (wave.used.get(profile) ?? 0) + 1);
}
