import type { RevisionData } from '../../api/revision.ts';
import type { KubeletStatus } from '../../api/state.ts';
import { isSafeSysctl, normalizePattern, patternMatches } from '../../sysctl/kubelet-patterns.ts';

/** A running pod that sets sysctls. */
export interface PodSysctls {
  /** namespace/name */
  pod: string;
  sysctls: readonly string[];
}

/** An entry that would leave the kubelet's list, kept by the agent as long as these pods run: without it the restart kills them. */
export interface HeldEntry {
  entry: string;
  /** namespace/name */
  pods: string[];
}

/** What would become of one kubelet's allow-list. */
export interface KubeletChange {
  /** Entries that its list lacks, or (list not read yet) may lack. */
  add: string[];
  /** Entries that leave it. */
  leave: string[];
  held: HeldEntry[];
  /** unread: it restarts unless its list has the entries already, which nobody has looked at yet. */
  restart: 'no' | 'yes' | 'unread';
  /** Why this kubelet does not take the list, as its agent says. */
  problem?: string;
}

export interface KubeletInput {
  before: RevisionData;
  after: RevisionData;
  observed: RevisionData | undefined;
  /** As the state tells it; undefined where there is no agent. */
  kubelet: KubeletStatus | undefined;
  candidates: ReadonlySet<string>;
  /** What the previewed profiles need on this node. */
  patterns: readonly string[];
  /** Pods that run on the node; undefined where nobody has looked. */
  pods: readonly PodSysctls[] | undefined;
}

const UNCHANGED: KubeletChange = { add: [], leave: [], held: [], restart: 'no' };

const normal = (list: readonly string[] = []): Set<string> => new Set(list.map(normalizePattern));

/** Running pods that only this entry lets run. */
const users = (entry: string, rest: Iterable<string>, pods: readonly PodSysctls[]): string[] => {
  const others = [...rest];
  const needs = (name: string): boolean =>
    !isSafeSysctl(name) &&
    patternMatches(entry, name) &&
    !others.some((other) => patternMatches(other, name));
  return pods.filter(({ sysctls }) => sysctls.some(needs)).map(({ pod }) => pod);
};

function leaving(input: KubeletInput, after: ReadonlySet<string>): string[] {
  const { observed, before, candidates } = input;
  if (!observed) return [];
  const stays = normal(before.kubelet.allowedUnsafeSysctls);
  const ours = observed.profiles.some(({ name }) => candidates.has(name));
  return [...normal(observed.kubelet.allowedUnsafeSysctls)].filter(
    (entry) => !after.has(entry) && (stays.has(entry) || ours),
  );
}

/** What would become of the kubelet's list on one node because of the previewed profiles. Pure. */
export function kubeletChange(input: KubeletInput): KubeletChange {
  const { kubelet, before, pods } = input;
  const after = normal(input.after.kubelet.allowedUnsafeSysctls);
  const stays = normal(before.kubelet.allowedUnsafeSysctls);
  const mine = normal(input.patterns);
  const live = kubelet?.allowedUnsafeSysctls && normal(kubelet.allowedUnsafeSysctls);
  const add = [...after].filter((entry) => (mine.has(entry) || !stays.has(entry)) && !live?.has(entry));
  const leave = leaving(input, after);
  if (add.length === 0 && leave.length === 0) return UNCHANGED;
  // Entries that are neither ours nor wanted are the kubelet's own, and stay.
  const kept = [...(live ?? []), ...after].filter((entry) => !leave.includes(entry));
  const held = leave
    .map((entry) => ({ entry, pods: users(entry, kept, pods ?? []) }))
    .filter((hold) => hold.pods.length > 0);
  const problem =
    add.length > 0 && (kubelet?.state === 'Unsupported' || kubelet?.state === 'Failed')
      ? (kubelet.message ?? `kubelet: ${kubelet.state}`)
      : undefined;
  const shrinks = leave.some((entry) => !held.some((hold) => hold.entry === entry));
  const restart = (live && add.length > 0) || shrinks ? 'yes' : add.length > 0 ? 'unread' : 'no';
  return { add, leave, held, restart, ...(problem && { problem }) };
}
