import { mergeConditions, type Condition } from '../api/conditions.ts';
import type { ProfileFailure, ResolvedSysctl, SysctlProfile, SysctlProfileStatus } from '../api/profile.ts';
import type { ProfilePlan } from '../plan/plan.ts';
import type { Preview } from '../plan/preview/preview.ts';
import { describeEntries, summaryOf } from '../plan/preview/summary.ts';
import type { Tally } from './tally.ts';

export interface ProfileStatusInput {
  plan: ProfilePlan;
  /** As the API server has it. */
  profile: SysctlProfile;
  /** How far its nodes are; undefined for a profile that is not enforced. */
  tally: Tally | undefined;
  /** What the API server refused for good of what its nodes need. */
  refused?: readonly ProfileFailure[];
  /** Set while a failed node holds the others back. */
  stalled: { node: string; reason: string } | undefined;
  /** Why nodes that are not up to date have not started; for the message. */
  waiting: string | undefined;
  /** Of a profile with mode Plan: what would happen if it were enforced. */
  preview?: Preview | undefined;
  /** RFC 3339. */
  now: string;
}

type Wanted = Omit<Condition, 'lastTransitionTime' | 'observedGeneration'>;

const MAX_FAILURES = 10;
const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;
/** A message of an agent names its key already. */
const describe = ({ node, name, message }: ProfileFailure): string =>
  [`node ${node}`, name && !message?.startsWith(`${name}:`) ? name : '', message].filter(Boolean).join(': ');
/** Enough to act on; the whole list is in the NodeSysctlStates. */
const listed = (texts: readonly string[], of = 3): string =>
  texts.slice(0, of).join('; ') + (texts.length > of ? `; and ${texts.length - of} more` : '');

interface Facts {
  matched: number;
  counts: NonNullable<SysctlProfileStatus['nodes']>;
  failures: ProfileFailure[];
  drifts: string[];
  unavailable: string[];
}

function gather({ plan, tally, refused = [] }: ProfileStatusInput): Facts {
  const matched = plan.matches;
  return {
    matched,
    counts: {
      matched,
      updated: tally?.updated ?? 0,
      ready: tally?.count('ready') ?? 0,
      failed: tally?.count('failed') ?? 0,
      drifted: tally?.count('drifted') ?? 0,
    },
    failures: [...(tally?.failures('failed') ?? []), ...refused],
    drifts: (tally?.failures('drifted') ?? []).map(describe),
    unavailable: tally?.nodes('unavailable') ?? [],
  };
}

const no = (reason: string, message: string): Wanted => ({
  type: 'Ready',
  status: 'False',
  reason,
  message,
});

function ready(input: ProfileStatusInput, facts: Facts): Wanted {
  const { plan, profile } = input;
  const lost = plan.conflicts.filter((c) => !c.wins);
  if (!plan.accepted) return no('NotAccepted', listed(plan.problems.map((p) => `${p.name}: ${p.message}`)));
  if (!plan.enforced) {
    const would = input.preview ? `; ${summaryOf(input.preview)}` : '';
    return no('PlanOnly', `mode Plan: nothing is changed; ${plural(facts.matched, 'node')} match${would}`);
  }
  if (facts.failures.length > 0) return no('NodeFailed', listed(facts.failures.map(describe)));
  if (lost.length > 0)
    return no(
      'Conflicted',
      listed(
        lost.map(
          (c) => `${c.name}: profile ${c.other} has the same priority, is older and keeps ${c.theirs}`,
        ),
      ),
    );
  if (facts.drifts.length > 0) return no('Drifted', listed(facts.drifts));
  if (facts.counts.ready + facts.unavailable.length < facts.matched)
    return no(profile.spec.rollout?.paused ? 'Paused' : 'RollingOut', progress(input, facts));
  if (facts.unavailable.length > 0)
    return no(
      'NodeNotReady',
      `the Node is not Ready, so its agent may no longer be right: ${listed(facts.unavailable)}`,
    );
  const overridden = plan.overridden.map((o) => `${o.name} (${o.by})`);
  const message =
    facts.matched === 0
      ? 'no node matches spec.nodeSelector'
      : `${plural(facts.matched, 'node')} ${facts.matched === 1 ? 'has' : 'have'} every sysctl`;
  return {
    type: 'Ready',
    status: 'True',
    reason: facts.matched === 0 ? 'NoNodesMatched' : 'AllNodesReady',
    message:
      overridden.length > 0 ? `${message}; decided by a higher priority: ${listed(overridden)}` : message,
  };
}

const progress = (input: ProfileStatusInput, { counts }: Facts): string =>
  `${counts.ready} of ${plural(counts.matched, 'node')} ready${input.waiting ? `; ${input.waiting}` : ''}`;

function conditions(input: ProfileStatusInput, facts: Facts): Wanted[] {
  const { plan } = input;
  const main = ready(input, facts);
  const list: Wanted[] = [
    main,
    plan.accepted
      ? { type: 'Accepted', status: 'True', reason: 'Valid', message: 'the spec makes sense' }
      : { type: 'Accepted', status: 'False', reason: 'InvalidEntries', message: main.message },
    plan.conflicts.length > 0
      ? {
          type: 'Conflicted',
          status: 'True',
          reason: 'EqualPriority',
          message: listed(
            plan.conflicts.map(
              (c) =>
                `${c.name}: ${c.mine} here, ${c.theirs} in profile ${c.other}; ${c.wins ? 'this one' : c.other} is older and wins on ${plural(c.nodes, 'node')}`,
            ),
          ),
        }
      : {
          type: 'Conflicted',
          status: 'False',
          reason: 'NoConflict',
          message: 'no other profile of the same priority wants another value',
        },
    facts.drifts.length > 0
      ? { type: 'Drifted', status: 'True', reason: 'ForeignWrite', message: listed(facts.drifts) }
      : {
          type: 'Drifted',
          status: 'False',
          reason: 'NoDrift',
          message: 'no value was changed by somebody else',
        },
  ];
  const waitsForPerson = ['NotAccepted', 'Conflicted', 'NodeFailed'].includes(main.reason);
  if (main.status === 'False' && ['RollingOut', 'NodeNotReady', 'Drifted'].includes(main.reason))
    list.push({ type: 'Reconciling', status: 'True', reason: main.reason, message: main.message });
  if (waitsForPerson)
    list.push({
      type: 'Stalled',
      status: 'True',
      reason: main.reason,
      message: input.stalled?.reason ?? main.message,
    });
  return list;
}

/** How entries were resolved; with mode Plan also what would become of them. */
function resolved({ plan, preview }: ProfileStatusInput): ResolvedSysctl[] {
  if (!preview) return [...plan.resolved];
  const would = describeEntries(preview);
  return plan.resolved.map((entry) => {
    const text = would(entry);
    return text ? { ...entry, reason: [entry.reason, text].filter(Boolean).join('; ') } : entry;
  });
}

/** The status that a profile must have now. Unchanged parts keep their times, so that it compares equal to what is stored. */
export function profileStatus(input: ProfileStatusInput): SysctlProfileStatus {
  const { profile } = input;
  const facts = gather(input);
  const generation = profile.metadata.generation ?? 0;
  return {
    observedGeneration: generation,
    nodes: facts.counts,
    sysctls: resolved(input),
    failures: facts.failures.slice(0, MAX_FAILURES),
    conditions: mergeConditions(
      profile.status?.conditions,
      conditions(input, facts).map((c) => ({ ...c, observedGeneration: generation })),
      input.now,
    ),
  };
}

/** The profile's status is the wanted one already. */
export const sameStatus = (profile: SysctlProfile, wanted: SysctlProfileStatus): boolean =>
  stable(profile.status) === stable(wanted);

/** JSON with sorted keys and without empty lists, which a server may leave out. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) => {
    if (Array.isArray(v) || typeof v !== 'object' || v === null) return v;
    const entries = Object.entries(v).filter(([, x]) => !(Array.isArray(x) && x.length === 0));
    return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
