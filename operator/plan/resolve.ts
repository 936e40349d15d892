import type { Match, ResolvedSysctl, SysctlEntry, SysctlProfile } from '../api/profile.ts';
import { messageOf } from '../errors.ts';
import { lookup, type Placement } from '../sysctl/catalog/lookup.ts';
import { guardOf, warningOf } from '../sysctl/guards.ts';
import { checkPattern, isSafeSysctl, normalizePattern } from '../sysctl/kubelet-patterns.ts';
import { normalizeName } from '../sysctl/names.ts';
import { canonicalValue, checkShape, kernelInteger } from '../sysctl/values.ts';

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

/** What one profile says, looked at alone. */
export interface ResolvedProfile {
  resolved: ResolvedSysctl[];
  entries: NodeEntry[];
  /** What its pods need in the kubelet's allow-list. */
  patterns: string[];
  /** Entries that are left out, and why. */
  problems: Problem[];
}

const ABSENCE: Record<Placement['podPresence'], string> = {
  own: '',
  readOnly: 'a pod sees it, but read-only: it shows the value of the node',
  absent: 'a pod does not have it: it belongs to the whole node',
  shared: 'it is not namespaced: a pod that could write it would change the node',
};

const kubeletKnows = (name: string): boolean => checkPattern(name) === undefined;

function podLane(name: string, catalog: Placement): ResolvedSysctl | Problem {
  if (catalog.podPresence !== 'own')
    return { name, message: `scope Pod: ${ABSENCE[catalog.podPresence]}; use scope Node` };
  if (isSafeSysctl(name))
    return {
      name,
      lane: 'Pod',
      namespace: catalog.namespace,
      reason: 'safe: every pod may set it in securityContext.sysctls; nothing to do',
    };
  const problem = checkPattern(name);
  if (problem) return { name, message: `scope Pod: ${problem}` };
  const reason = `namespaced (${catalog.namespace}) and unsafe: the kubelets of these nodes allow it; pods set it in securityContext.sysctls`;
  return { name, lane: 'Pod', namespace: catalog.namespace, reason };
}

function nodeReason(entry: SysctlEntry, name: string, catalog: Placement): string {
  const warning = warningOf(name);
  const reason =
    catalog.namespace === 'none'
      ? 'not namespaced: one value for the whole node'
      : catalog.namespace === 'net' || catalog.namespace === 'ipc'
        ? `scope ${entry.scope ?? 'Auto'}: the node's own ${catalog.namespace} namespace; pods keep their own value`
        : `the node's own ${catalog.namespace} namespace; the kubelet cannot allow it to pods`;
  return warning ? `${reason}; ${warning}` : reason;
}

function resolveEntry(entry: SysctlEntry, acknowledged: ReadonlySet<string>): ResolvedSysctl | Problem {
  const name = normalizeName(entry.name);
  const guard = guardOf(name);
  if (guard && !acknowledged.has(name))
    return { name, message: `guarded: ${guard}; name it in spec.acknowledgeRisks to set it` };
  const catalog = lookup(name);
  const scope = entry.scope ?? 'Auto';
  const toPods =
    scope === 'Pod' ||
    (scope === 'Auto' && catalog.podPresence === 'own' && (isSafeSysctl(name) || kubeletKnows(name)));
  if (toPods) return podLane(name, catalog);
  const value = String(entry.value);
  const shape = checkShape(name, value);
  if (shape) return { name, message: shape };
  if ((entry.match ?? 'Exact') !== 'Exact' && kernelInteger(value) === undefined)
    return { name, message: `${entry.match} needs a single integer, not "${value}"` };
  return { name, lane: 'Node', namespace: catalog.namespace, reason: nodeReason(entry, name, catalog) };
}

const isProblem = (result: ResolvedSysctl | Problem): result is Problem => 'message' in result;

/** Resolves every entry of a profile. One bad entry is left out and named; the others stand. Throws nothing. */
export function resolveProfile({ spec }: SysctlProfile): ResolvedProfile {
  const result: ResolvedProfile = { resolved: [], entries: [], patterns: [], problems: [] };
  const acknowledged = new Set((spec.acknowledgeRisks ?? []).map((name) => normalizePattern(name)));
  for (const entry of spec.sysctls ?? []) {
    const one = attempt(entry, acknowledged);
    if (isProblem(one)) {
      result.problems.push(one);
      continue;
    }
    result.resolved.push(one);
    if (one.lane === 'Node')
      result.entries.push({
        name: one.name,
        value: canonicalValue(one.name, String(entry.value)),
        match: entry.match ?? 'Exact',
        optional: entry.optional ?? false,
      });
    else if (!isSafeSysctl(one.name)) result.patterns.push(one.name);
  }
  for (const pattern of spec.pods?.allowedUnsafeSysctls ?? []) {
    const message = checkPattern(pattern);
    if (message) result.problems.push({ name: pattern, message });
    else result.patterns.push(normalizePattern(pattern));
  }
  result.patterns = [...new Set(result.patterns)].toSorted();
  return result;
}

function attempt(entry: SysctlEntry, acknowledged: ReadonlySet<string>): ResolvedSysctl | Problem {
  try {
    return resolveEntry(entry, acknowledged);
  } catch (error) {
    return { name: entry.name, message: messageOf(error) };
  }
}
