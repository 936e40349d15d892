import { createHash } from 'node:crypto';
import type { SysctlProfile } from '../api/profile.ts';
import type { RevisionData, RevisionSysctl, UnsupportedSysctl } from '../api/revision.ts';
import { kernelInteger, sameValue, satisfies } from '../sysctl/values.ts';
import type { NodeEntry, ResolvedProfile } from './resolve.ts';

/** A profile with what was made of it, in order of precedence. */
export interface Contributor {
  profile: SysctlProfile;
  resolved: ResolvedProfile;
}

/** Two profiles of equal priority want different values for a key; the older one keeps its own. */
export interface Conflict {
  name: string;
  mine: string;
  theirs: string;
  other: string;
  wins: boolean;
}

export interface Overridden {
  name: string;
  /** The profile of higher priority. */
  by: string;
}

export interface Composition {
  name: string;
  data: RevisionData;
  conflicts: ReadonlyMap<string, Conflict[]>;
  overridden: ReadonlyMap<string, Overridden[]>;
}

interface Claim extends NodeEntry {
  by: Contributor;
}

const nameOf = (c: Contributor): string => c.profile.metadata.name;
const priorityOf = (c: Contributor): number => c.profile.spec.priority ?? 0;

/** Higher priority first; among equals the older profile, then the name: the same whatever order the profiles come in. */
export function byPrecedence(a: SysctlProfile, b: SysctlProfile): number {
  const priority = (b.spec.priority ?? 0) - (a.spec.priority ?? 0);
  if (priority !== 0) return priority;
  const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (x !== y) return x < y ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

const describe = ({ match, value }: NodeEntry): string => (match === 'Exact' ? value : `${match} ${value}`);

/** Both can be had at once. */
function compatible(a: NodeEntry, b: NodeEntry): boolean {
  if (a.match === 'Exact')
    return b.match === 'Exact'
      ? sameValue(a.name, b.value, a.value)
      : satisfies(a.name, a.value, b.value, b.match);
  if (b.match === 'Exact') return compatible(b, a);
  if (a.match === b.match) return true;
  const [low, high] = a.match === 'AtLeast' ? [a, b] : [b, a];
  return (kernelInteger(low.value) ?? 0n) <= (kernelInteger(high.value) ?? 0n);
}

/** The claims that stand for one key: one Exact, or the tightest bounds. Claims come in order of precedence. */
function standing(claims: readonly Claim[]): { kept: Claim[]; lost: [loser: Claim, to: Claim][] } {
  const kept: Claim[] = [];
  const lost: [Claim, Claim][] = [];
  for (const claim of claims) {
    const against = kept.find((k) => !compatible(k, claim));
    if (against) lost.push([claim, against]);
    else kept.push(claim);
  }
  return { kept, lost };
}

/** The claims of `kept` that decide: an Exact value, or the highest AtLeast and the lowest AtMost. */
function deciding(kept: readonly Claim[]): Claim[] {
  const exact = kept.find((k) => k.match === 'Exact');
  if (exact) return [exact];
  const tightest = (match: 'AtLeast' | 'AtMost'): Claim | undefined =>
    kept
      .filter((k) => k.match === match)
      .reduce<Claim | undefined>((best, k) => {
        const [x, y] = [kernelInteger(k.value) ?? 0n, kernelInteger(best?.value ?? '') ?? 0n];
        return !best || (match === 'AtLeast' ? x > y : x < y) ? k : best;
      }, undefined);
  return [tightest('AtLeast'), tightest('AtMost')].filter((k) => k !== undefined);
}

function entryOf(claim: Claim, kept: readonly Claim[]): RevisionSysctl {
  const { spec } = claim.by.profile;
  const also = kept.map((k) => nameOf(k.by)).filter((name) => name !== nameOf(claim.by));
  return {
    name: claim.name,
    value: claim.value,
    match: claim.match,
    optional: kept.every((k) => k.optional),
    profile: nameOf(claim.by),
    ...(also.length > 0 && { also: [...new Set(also)].toSorted() }),
    drift: spec.driftPolicy ?? 'Correct',
    removal: spec.removalPolicy ?? 'Restore',
  };
}

const push = <T>(map: Map<string, T[]>, key: string, value: T): void =>
  void map.set(key, [...(map.get(key) ?? []), value]);

/** What is left out here, once per name; optional where every profile says so. */
function leftOut(contributors: readonly Contributor[]): UnsupportedSysctl[] {
  const found = new Map<string, UnsupportedSysctl>();
  for (const by of contributors)
    for (const { name, optional, message } of by.resolved.unsupported) {
      const known = found.get(name);
      found.set(name, {
        name,
        optional: optional && (known?.optional ?? true),
        profiles: [...new Set([...(known?.profiles ?? []), nameOf(by)])].toSorted(),
        message,
      });
    }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const CONFIRM_SECONDS = 60;
const shortest = (seconds: readonly (number | undefined)[]): number =>
  seconds.length === 0 ? CONFIRM_SECONDS : Math.min(...seconds.map((s) => s ?? CONFIRM_SECONDS));

/** The name of a revision: a hash of everything in it but the generations, so that an edit without effect makes no new one. */
export function revisionName(data: RevisionData): string {
  const content = { ...data, profiles: data.profiles.map((p) => p.name) };
  return `sysctl-${createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 10)}`;
}

/** What nodes must have that all these profiles match, in order of precedence. */
export function compose(contributors: readonly Contributor[]): Composition {
  const claims = new Map<string, Claim[]>();
  for (const by of contributors)
    for (const entry of by.resolved.entries) push(claims, entry.name, { ...entry, by });
  const sysctls: RevisionSysctl[] = [];
  const conflicts = new Map<string, Conflict[]>();
  const overridden = new Map<string, Overridden[]>();
  for (const [name, own] of claims) {
    const { kept, lost } = standing(own);
    sysctls.push(...deciding(kept).map((claim) => entryOf(claim, kept)));
    for (const [loser, winner] of lost) {
      if (priorityOf(loser.by) !== priorityOf(winner.by)) {
        push(overridden, nameOf(loser.by), { name, by: nameOf(winner.by) });
        continue;
      }
      const [mine, theirs] = [describe(loser), describe(winner)];
      push(conflicts, nameOf(loser.by), { name, mine, theirs, other: nameOf(winner.by), wins: false });
      push(conflicts, nameOf(winner.by), {
        name,
        mine: theirs,
        theirs: mine,
        other: nameOf(loser.by),
        wins: true,
      });
    }
  }
  const unsupported = leftOut(contributors);
  const rollouts = contributors.map((c) => c.profile.spec.rollout);
  const data: RevisionData = {
    sysctls: sysctls.toSorted((a, b) =>
      a.name === b.name ? (a.match < b.match ? -1 : 1) : a.name < b.name ? -1 : 1,
    ),
    kubelet: {
      allowedUnsafeSysctls: [...new Set(contributors.flatMap((c) => c.resolved.patterns))].toSorted(),
    },
    ...(unsupported.length > 0 && { unsupported }),
    policy: {
      confirmTimeoutSeconds: shortest(rollouts.map((r) => r?.confirmTimeoutSeconds)),
      onFailure:
        rollouts.every((r) => r?.onFailure === 'Pause') && rollouts.length > 0 ? 'Pause' : 'Rollback',
    },
    profiles: contributors
      .map((c) => ({ name: nameOf(c), generation: c.profile.metadata.generation ?? 0 }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
  return { name: revisionName(data), data, conflicts, overridden };
}
