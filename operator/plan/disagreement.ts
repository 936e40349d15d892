import type { ResolvedSysctl } from '../api/profile.ts';
import type { PlanNode } from './groups.ts';
import type { Problem, ResolvedProfile } from './resolve.ts';

/** How a profile was resolved on some of its nodes. */
export interface Resolution {
  resolved: ResolvedProfile;
  count: number;
  nodes: () => readonly PlanNode[];
}

const MAX_NODES = 3;
const MAX_KERNELS = 2;
const MAX_OTHERS = 2;
const MAX_REASON = 1024;

const natural = new Intl.Collator('en', { numeric: true });
const listed = (texts: readonly string[], of: number): string =>
  texts.slice(0, of).join(', ') + (texts.length > of ? ` and ${texts.length - of} more` : '');

/** Three nodes by name, and which kernels they have: "node-3, node-7 and 12 more (Linux 5.15.0)". */
function whichNodes(nodes: readonly PlanNode[]): string {
  const names = nodes.map((n) => n.name).toSorted((a, b) => natural.compare(a, b) || (a < b ? -1 : 1));
  const releases = [...new Set(nodes.flatMap((n) => n.kernelRelease ?? []))].toSorted(natural.compare);
  const kernels = releases.length > 0 ? ` (Linux ${listed(releases, MAX_KERNELS)})` : '';
  return `${listed(names, MAX_NODES)}${kernels}`;
}

interface Version {
  outcome: ResolvedSysctl | Problem;
  count: number;
  of: Resolution[];
}

const reasonOf = (outcome: ResolvedSysctl | Problem): string =>
  'message' in outcome ? outcome.message : (outcome.reason ?? '');

/** The versions of one entry, that of most nodes first; among equals the order of their texts. */
function versionsOf(resolutions: readonly Resolution[], entry: number): Version[] {
  const versions = new Map<string, Version>();
  for (const resolution of resolutions) {
    const outcome = resolution.resolved.outcomes[entry];
    if (!outcome) continue;
    const key = JSON.stringify(outcome);
    const version = versions.get(key) ?? { outcome, count: 0, of: [] };
    version.count += resolution.count;
    version.of.push(resolution);
    versions.set(key, version);
  }
  return [...versions]
    .toSorted(([a, x], [b, y]) => y.count - x.count || (a < b ? -1 : 1))
    .map(([, version]) => version);
}

function otherwise({ outcome, count, of }: Version, total: number): string {
  const nodes = of.flatMap((resolution) => resolution.nodes());
  const lane = 'message' in outcome ? 'left out' : `lane ${outcome.lane}`;
  return `otherwise on ${count} of ${total} nodes, ${whichNodes(nodes)}: ${lane}: ${reasonOf(outcome)}`;
}

/**
 * How the entries of a profile were resolved, in the order of its spec: as on most nodes, and in the reason where other nodes' kernels
 * made something else of it. An entry that was left out everywhere is among the problems instead.
 */
export function agreedSysctls(resolutions: readonly Resolution[]): ResolvedSysctl[] {
  const outcomes = resolutions[0]?.resolved.outcomes ?? [];
  if (resolutions.length === 1) return outcomes.filter((outcome) => 'lane' in outcome);
  const entries = outcomes.length;
  const result: ResolvedSysctl[] = [];
  for (let entry = 0; entry < entries; entry++) {
    const versions = versionsOf(resolutions, entry);
    const main = versions.find(({ outcome }) => !('message' in outcome));
    if (!main || 'message' in main.outcome) continue;
    const others = versions.filter((version) => version !== main);
    const total = versions.reduce((sum, { count }) => sum + count, 0);
    const texts = others.slice(0, MAX_OTHERS).map((other) => otherwise(other, total));
    if (others.length > MAX_OTHERS) texts.push(`and ${others.length - MAX_OTHERS} more ways`);
    const reason = [reasonOf(main.outcome), ...texts].join('; ');
    result.push(
      texts.length === 0
        ? main.outcome
        : {
            ...main.outcome,
            reason: reason.length > MAX_REASON ? `${reason.slice(0, MAX_REASON - 3)}...` : reason,
          },
    );
  }
  return result;
}

/** Entries that some node's kernel leaves no sense in, once each. */
export function allProblems(resolutions: readonly Resolution[]): Problem[] {
  const found = new Map<string, Problem>();
  for (const { resolved } of resolutions)
    for (const problem of resolved.problems) found.set(`${problem.name} ${problem.message}`, problem);
  return [...found.values()];
}
