import { conditionOf } from '../../api/conditions.ts';
import type { Revision, RevisionSysctl } from '../../api/revision.ts';
import type { Deviation, NodeSysctlState } from '../../api/state.ts';
import { describeEntries, entriesOf, liveNode } from '../../plan/preview/live.ts';

/** One sysctl of a node: what it must have, what it has, what was there before. */
export interface DiffRow {
  name: string;
  /** Absent: nobody wants it any more. */
  wanted?: string;
  /** Absent: not read yet. */
  live?: string;
  /** Before the operator wrote it; absent where it never had to. */
  original?: string;
  /** Profiles that want it; the first decides. */
  by: string[];
  state: 'InSync' | 'Changing' | 'Leaving' | Deviation['state'];
  message?: string;
}

export interface NodeDiff {
  node: string;
  /** The revision that it must have, and since when that content exists. */
  revision: string;
  revisionSince?: string;
  observedRevision?: string;
  /** Since when the agent says what it says of the whole node. */
  ready?: { status: string; reason: string; message: string; since: string };
  rows: DiffRow[];
  kubelet: { wanted: string[]; live?: string[]; state?: string; message?: string };
  /** Something is not as wanted. */
  differs: boolean;
}

const profilesOf = (entries: readonly RevisionSysctl[]): string[] => [
  ...new Set(entries.flatMap((e) => [e.profile, ...(e.also ?? [])])),
];

const want = (entries: readonly RevisionSysctl[] | undefined): string | undefined =>
  entries && describeEntries(entries);

/** Every sysctl that a node must have or had, against what its agent has told. Pure. */
export function nodeDiff(state: NodeSysctlState, revisions: ReadonlyMap<string, Revision>): NodeDiff {
  const { status, spec, metadata } = state;
  const [to, at] = [revisions.get(spec.revision), revisions.get(status?.observedRevision ?? '')];
  const live = liveNode(state, at?.data);
  const wanted = to ? entriesOf(to.data) : live.observed;
  const names = new Set([
    ...wanted.keys(),
    ...live.observed.keys(),
    ...(status?.deviations ?? []).map((d) => d.name),
    ...Object.keys(status?.originals ?? {}),
  ]);
  const rows = [...names].toSorted().map((name): DiffRow => {
    const entries = wanted.get(name);
    const { value, bound, original, deviation } = live.key(name);
    const shown = value ?? bound;
    const text = want(entries);
    const same = text === want(live.observed.get(name));
    return {
      name,
      ...(text !== undefined && { wanted: text }),
      ...(shown !== undefined && { live: shown }),
      ...(original !== undefined && { original }),
      by: profilesOf(entries ?? live.observed.get(name) ?? []),
      state: deviation && same ? deviation.state : !entries ? 'Leaving' : same ? 'InSync' : 'Changing',
      ...(deviation?.message && { message: deviation.message }),
    };
  });
  const ready = conditionOf(status?.conditions, 'Ready');
  const kubelet = {
    wanted: to?.data.kubelet.allowedUnsafeSysctls ?? [],
    ...(status?.kubelet?.allowedUnsafeSysctls && { live: status.kubelet.allowedUnsafeSysctls }),
    ...(status?.kubelet && { state: status.kubelet.state }),
    ...(status?.kubelet?.message && { message: status.kubelet.message }),
  };
  return {
    node: metadata.name,
    revision: spec.revision,
    ...(to?.metadata.creationTimestamp && { revisionSince: to.metadata.creationTimestamp }),
    ...(status?.observedRevision && { observedRevision: status.observedRevision }),
    ...(ready && {
      ready: {
        status: ready.status,
        reason: ready.reason,
        message: ready.message,
        since: ready.lastTransitionTime,
      },
    }),
    rows,
    kubelet,
    differs:
      spec.revision !== status?.observedRevision ||
      rows.some((row) => row.state !== 'InSync') ||
      kubelet.wanted.some((entry) => !kubelet.live?.includes(entry)),
  };
}
