import { conditionOf } from '../api/conditions.ts';
import type { ProfileFailure } from '../api/profile.ts';
import type { RevisionData } from '../api/revision.ts';
import type { Deviation, NodeSysctlState } from '../api/state.ts';
import { normalizePattern } from '../sysctl/kubelet-patterns.ts';
import { profileSlice } from '../plan/slice.ts';

/**
 * ready: the node has everything that the profile wants. pending: it is on its way. failed: it was tried and did not
 * work. drifted: a value was changed by somebody else and is only reported. unavailable: the Node is not Ready, so what its agent
 * said last may no longer be true.
 */
export type Verdict = 'ready' | 'pending' | 'failed' | 'drifted' | 'unavailable';

export interface Judgement {
  verdict: Verdict;
  /** The node's observed revision holds this profile's part as it is wanted now. */
  updated: boolean;
  failures: ProfileFailure[];
}

export interface JudgeInput {
  node: string;
  nodeReady: boolean;
  profile: string;
  state: NodeSysctlState | undefined;
  /** Content of the revision that the agent observed, when it is known. */
  observed: RevisionData | undefined;
  /** Content of the revision that the plan wants for the node. */
  wanted: RevisionData;
  /** The agent has observed that very revision. */
  current: boolean;
  /** What this profile needs in the kubelet's allow-list. */
  patterns: readonly string[];
}

const pending = (updated = false): Judgement => ({ verdict: 'pending', updated, failures: [] });

const failureOf = (node: string, d: Deviation): ProfileFailure => ({
  node,
  name: d.name,
  message: d.message ?? `${d.state}: wanted ${d.desired ?? '?'}, found ${d.live ?? '?'}`,
});

function kubeletFailure(input: JudgeInput): ProfileFailure | 'pending' | undefined {
  if (input.patterns.length === 0) return undefined;
  const { kubelet, deviations = [] } = input.state?.status ?? {};
  const live = new Set((kubelet?.allowedUnsafeSysctls ?? []).map(normalizePattern));
  const missing = input.patterns.filter((pattern) => !live.has(normalizePattern(pattern)));
  if (missing.length === 0) return undefined;
  // What the kubelet did with an older list says nothing about this one.
  if (!input.current) return 'pending';
  // Its agent leaves out what its kernel cannot give to pods, also where the plan does not know.
  const withheld = deviations.find((d) => d.state === 'Unsupported' && missing.includes(d.name));
  if (withheld) return failureOf(input.node, withheld);
  if (kubelet?.state !== 'Failed' && kubelet?.state !== 'Unsupported') return 'pending';
  return {
    node: input.node,
    name: missing[0] ?? '',
    message: kubelet.message ?? `kubelet: ${kubelet.state}`,
  };
}

const entries = new WeakMap<RevisionData, Map<string, ReadonlyMap<string, boolean>>>();

/** The sysctls that a profile has in a revision, by name, with whether they are optional; found once for all nodes that share it. */
function entriesOf(data: RevisionData, profile: string): ReadonlyMap<string, boolean> {
  let known = entries.get(data);
  if (!known) entries.set(data, (known = new Map()));
  let own = known.get(profile);
  if (!own) {
    const set = data.sysctls.filter((s) => s.profile === profile || s.also?.includes(profile));
    const leftOut = (data.unsupported ?? []).filter((u) => u.profiles.includes(profile));
    known.set(profile, (own = new Map([...set, ...leftOut].map((s) => [s.name, s.optional ?? false]))));
  }
  return own;
}

/** Agents say these when they cannot act at all; then nothing else in the status can be trusted to be current. */
const AGENT_STUCK = new Set(['LedgerUnreadable', 'RevisionMissing']);

/** How far one node is with one profile. Pure. */
export function judge(input: JudgeInput): Judgement {
  const { state, observed, wanted, profile, node } = input;
  const status = state?.status;
  const ready = conditionOf(status?.conditions, 'Ready');
  const isNow =
    ready?.observedGeneration === undefined || ready.observedGeneration === state?.metadata.generation;
  if (ready?.status === 'False' && isNow && AGENT_STUCK.has(ready.reason))
    return { verdict: 'failed', updated: false, failures: [{ node, message: ready.message }] };
  if (!status?.observedRevision || !observed) return pending();
  if (profileSlice(observed, profile) !== profileSlice(wanted, profile)) return pending();
  const optional = entriesOf(wanted, profile);
  // A missing key that is optional is no failure; one that is there and does not take the value is.
  const deviations = (status.deviations ?? []).filter(
    (d) => optional.has(d.name) && !(d.state === 'Unsupported' && optional.get(d.name)),
  );
  const drifted = deviations.filter((d) => d.state === 'Drifted');
  const failed = deviations.filter((d) => d.state !== 'Drifted').map((d) => failureOf(node, d));
  const kubelet = kubeletFailure(input);
  if (typeof kubelet === 'object') failed.push(kubelet);
  if (failed.length > 0) return { verdict: 'failed', updated: true, failures: failed };
  if (kubelet === 'pending' || ready === undefined) return pending(true);
  if (drifted.length > 0)
    return { verdict: 'drifted', updated: true, failures: drifted.map((d) => failureOf(node, d)) };
  // The list of deviations is cut at 100: with more than that, nobody can say that ours is not among the rest.
  if ((status.deviations?.length ?? 0) >= 100) return pending(true);
  return { verdict: input.nodeReady ? 'ready' : 'unavailable', updated: true, failures: [] };
}
