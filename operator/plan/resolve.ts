import type { Match, ResolvedSysctl, SysctlEntry, SysctlProfile } from '../api/profile.ts';
import { messageOf } from '../errors.ts';
import { lookup, type Placement } from '../sysctl/catalog/lookup.ts';
import type { KernelView } from '../sysctl/kernel/view.ts';
import { guardOf } from '../sysctl/guards.ts';
import { checkPattern, isSafeSysctl, normalizePattern } from '../sysctl/kubelet-patterns.ts';
import { normalizeName } from '../sysctl/names.ts';
import { canonicalValue, checkShape, kernelInteger } from '../sysctl/values.ts';
import { advised, advisedPatterns } from './advise.ts';

export interface Problem {
  name: string;
  message: string;
}

/** A node-level entry of one profile, as it takes part in the composition. */
export interface NodeEntry {
  name: string;
  value: string;
  match: Match;
  optional: boolean;
}

/** An entry or pattern for pods that a kernel cannot give to them: the kubelet does not allow it there. */
export interface Unsupported {
  name: string;
  /** The profile is ready without it. */
  optional: boolean;
  message: string;
}

/** What one profile says, looked at alone, on nodes of one kind of kernel. */
export interface ResolvedProfile {
  /** Per entry of the spec, in its order; then the patterns that there is something to say about. */
  outcomes: (ResolvedSysctl | Problem)[];
  resolved: ResolvedSysctl[];
  entries: NodeEntry[];
  /** What its pods need in the kubelet's allow-list. */
  patterns: string[];
  /** Entries that are left out everywhere, and why. */
  problems: Problem[];
  unsupported: Unsupported[];
}

const ABSENCE: Record<Placement['podPresence'], string> = {
  own: '',
  readOnly: 'a pod sees it, but read-only: it shows the value of the node',
  absent: 'a pod does not have it: it belongs to the whole node',
  shared: 'it is not namespaced: a pod that could write it would change the node',
};

type Outcome = (ResolvedSysctl & { unsupported?: true }) | Problem;
const isProblem = (result: Outcome): result is Problem => 'message' in result;

interface Setting {
  acknowledged: ReadonlySet<string>;
  kernel: KernelView | undefined;
}

const kubeletKnows = (name: string): boolean => checkPattern(name) === undefined;

function podLane(name: string, place: Placement, kernel: KernelView | undefined): Outcome {
  const catalog = lookup(name);
  if (catalog.podPresence !== 'own' && place.podPresence !== 'own')
    return { name, message: `scope Pod: ${ABSENCE[catalog.podPresence]}; use scope Node` };
  const safe = isSafeSysctl(name);
  const problem = safe ? undefined : checkPattern(name);
  if (problem) return { name, message: `scope Pod: ${problem}` };
  const namespace = catalog.podPresence === 'own' ? catalog.namespace : place.namespace;
  const refusal = kernel?.refusesPods(name);
  if (refusal)
    return { name, lane: 'Pod', namespace, reason: `${refusal}: pods cannot set it`, unsupported: true };
  return {
    name,
    lane: 'Pod',
    namespace,
    reason: `namespaced (${namespace}) and ${safe ? 'safe' : 'unsafe: the kubelets of these nodes allow it'}`,
  };
}

function nodeReason(
  entry: SysctlEntry,
  name: string,
  place: Placement,
  kernel: KernelView | undefined,
): string {
  const { namespace } = place;
  const finding = kernel?.find(name);
  if (finding === 'missing') return 'this kernel does not have it';
  const seen = finding === undefined ? '' : ' on this kernel';
  const readOnly = finding === 'notWritable' ? 'nobody can write it on this kernel; ' : '';
  if (namespace === 'none') return `${readOnly}not namespaced${seen}: one value for the whole node`;
  return namespace === 'net' || namespace === 'ipc'
    ? `${readOnly}scope ${entry.scope ?? 'Auto'}: the node's own ${namespace} namespace`
    : `${readOnly}the node's own ${namespace} namespace; the kubelet cannot allow it to pods`;
}

function resolveEntry(entry: SysctlEntry, { acknowledged, kernel }: Setting): Outcome {
  const name = normalizeName(entry.name);
  const guard = guardOf(name);
  if (guard && !acknowledged.has(name))
    return { name, message: `guarded: ${guard}; name it in spec.acknowledgeRisks to set it` };
  const place = kernel?.placement(name) ?? lookup(name);
  const scope = entry.scope ?? 'Auto';
  const toPods =
    scope === 'Pod' ||
    (scope === 'Auto' && place.podPresence === 'own' && (isSafeSysctl(name) || kubeletKnows(name)));
  if (toPods) return podLane(name, place, kernel);
  const value = String(entry.value);
  const shape = checkShape(name, value);
  if (shape) return { name, message: shape };
  if ((entry.match ?? 'Exact') !== 'Exact' && kernelInteger(value) === undefined)
    return { name, message: `${entry.match} needs a single integer, not "${value}"` };
  return { name, lane: 'Node', namespace: place.namespace, reason: nodeReason(entry, name, place, kernel) };
}

/** Resolves every entry of a profile. One bad entry is left out and named; the others stand. Throws nothing. */
export function resolveProfile({ spec }: SysctlProfile, kernel?: KernelView): ResolvedProfile {
  const result: ResolvedProfile = {
    outcomes: [],
    resolved: [],
    entries: [],
    patterns: [],
    problems: [],
    unsupported: [],
  };
  const acknowledged = new Set((spec.acknowledgeRisks ?? []).map((name) => normalizePattern(name)));
  for (const entry of spec.sysctls ?? []) {
    const outcome = attempt(entry, { acknowledged, kernel });
    if (isProblem(outcome)) {
      result.outcomes.push(outcome);
      result.problems.push(outcome);
      continue;
    }
    const { unsupported, ...one } = outcome;
    const optional = entry.optional ?? false;
    result.outcomes.push(one);
    result.resolved.push(one);
    if (unsupported)
      result.unsupported.push({ name: one.name, optional, message: `${one.name}: ${one.reason}` });
    else if (one.lane === 'Node')
      result.entries.push({
        name: one.name,
        value: canonicalValue(one.name, String(entry.value)),
        match: entry.match ?? 'Exact',
        optional,
      });
    else if (!isSafeSysctl(one.name)) result.patterns.push(one.name);
  }
  for (const pattern of spec.pods?.allowedUnsafeSysctls ?? []) resolvePattern(pattern, kernel, result);
  result.patterns = [...new Set(result.patterns)].toSorted();
  return withAdvice(spec, result, kernel);
}

/** What to know of an entry depends on the others. Of one that this kernel does not have all is said. */
function withAdvice(
  spec: SysctlProfile['spec'],
  result: ResolvedProfile,
  kernel?: KernelView,
): ResolvedProfile {
  const written = new Map(result.entries.map(({ name, value }) => [name, value]));
  const unsupported = new Set(result.unsupported.map(({ name }) => name));
  const missing = (name: string): boolean => unsupported.has(name) || kernel?.find(name) === 'missing';
  const outcomes = (spec.sysctls ?? []).flatMap((entry, i) => {
    const one = result.outcomes[i];
    if (!one) return [];
    return isProblem(one) || missing(one.name) ? [one] : [advised(one, entry, written)];
  });
  outcomes.push(...advisedPatterns(spec));
  return { ...result, outcomes, resolved: outcomes.filter((one): one is ResolvedSysctl => !isProblem(one)) };
}

function resolvePattern(pattern: string, kernel: KernelView | undefined, result: ResolvedProfile): void {
  const message = checkPattern(pattern);
  if (message) return void result.problems.push({ name: pattern, message });
  const name = normalizePattern(pattern);
  const refusal = kernel?.refusesPods(name);
  // A list that allows asks for nothing: what nobody can use is left out, and is no failure.
  if (refusal)
    result.unsupported.push({ name, optional: true, message: `${name}: ${refusal}: pods cannot set it` });
  else result.patterns.push(name);
}

function attempt(entry: SysctlEntry, setting: Setting): Outcome {
  try {
    return resolveEntry(entry, setting);
  } catch (error) {
    return { name: entry.name, message: messageOf(error) };
  }
}
