import type { ResolvedSysctl } from '../../api/profile.ts';
import { isChange, type KeyChange } from './key-changes.ts';
import type { Preview } from './preview.ts';

/** One key over all nodes. */
export interface KeySummary {
  name: string;
  /** What the nodes would have; absent for a key that leaves. */
  to?: string;
  by: string;
  /** Nodes where it would change, among them those whose live value is not read yet. */
  change: number;
  unread: number;
  /** Nodes that have it already. */
  same: number;
  /** Nodes whose agent wants it already and cannot have it. */
  blocked: number;
  /** Values that would change, and on how many nodes; most nodes first. */
  from: { value: string; nodes: number }[];
}

/** Counts over all nodes. */
export interface Totals {
  matched: number;
  change: number;
  /** Nodes without an agent that has read them. */
  unread: number;
  /** Kubelets that would restart, and those that would unless their list, not read yet, has the entries. */
  restart: number;
  restartUnread: number;
  held: number;
}

const LEAVES = new Set(['restore', 'release']);

function tally(row: KeySummary, values: Map<string, number>, key: KeyChange, nodes: number): void {
  if (isChange(key)) row.change += nodes;
  if (key.kind === 'same') row.same += nodes;
  if (key.kind === 'blocked') row.blocked += nodes;
  if (key.kind === 'unread') row.unread += nodes;
  else if (isChange(key) && key.live !== undefined) values.set(key.live, (values.get(key.live) ?? 0) + nodes);
}

/** Every key that a preview is about, by name: a few rows, however many nodes there are. Pure. */
export function keySummaries(preview: Preview): KeySummary[] {
  const rows = new Map<string, { row: KeySummary; values: Map<string, number> }>();
  for (const { nodes, keys } of preview.groups)
    for (const key of keys) {
      const to = LEAVES.has(key.kind) || key.kind === 'same' ? undefined : key.to;
      const id = `${key.name} ${key.by} ${LEAVES.has(key.kind)}`;
      let known = rows.get(id);
      if (!known) {
        const row = { name: key.name, by: key.by, change: 0, unread: 0, same: 0, blocked: 0, from: [] };
        rows.set(id, (known = { row, values: new Map() }));
      }
      if (to !== undefined) known.row.to = to;
      tally(known.row, known.values, key, nodes.length);
    }
  return [...rows.values()]
    .map(({ row, values }) => ({
      ...row,
      from: [...values].map(([value, nodes]) => ({ value, nodes })).toSorted((a, b) => b.nodes - a.nodes),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Counts over all nodes of a preview. Pure. */
export function totalsOf({ groups, profiles }: Preview): Totals {
  const sum = (which: (group: Preview['groups'][number]) => boolean): number =>
    groups.filter(which).reduce((n, { nodes }) => n + nodes.length, 0);
  return {
    matched: new Set(profiles.flatMap((p) => p.matched)).size,
    change: sum((g) => g.change),
    unread: sum((g) => !g.read),
    restart: sum((g) => g.kubelet.restart === 'yes'),
    restartUnread: sum((g) => g.kubelet.restart === 'unread'),
    held: sum((g) => g.kubelet.held.length > 0),
  };
}

const VALUES_SHOWN = 2;
const KEYS_SHOWN = 3;

/** "65530 on 30, 1048576 on 2, 3 other values on 4, not read yet on 8". */
export function describeFrom({ from, unread }: KeySummary, shown = VALUES_SHOWN): string {
  const rest = from.slice(shown);
  const others = rest.reduce((n, { nodes }) => n + nodes, 0);
  return [
    ...from.slice(0, shown).map(({ value, nodes }) => `${value || '""'} on ${nodes}`),
    ...(others > 0 ? [`${rest.length} other ${rest.length === 1 ? 'value' : 'values'} on ${others}`] : []),
    ...(unread > 0 ? [`not read yet on ${unread}`] : []),
  ].join(', ');
}

/** What would change, in one line of bounded length: for the status of a profile with mode Plan. Pure. */
export function summaryOf(preview: Preview): string {
  const { change, restart, restartUnread } = totalsOf(preview);
  if (change === 0) return 'nothing would change';
  const rows = keySummaries(preview).filter((row) => row.change > 0);
  const keys = rows.slice(0, KEYS_SHOWN).map((row) => {
    const to = row.to === undefined ? '' : ` to ${row.to}`;
    const from = describeFrom(row);
    return `${row.name}${to} on ${row.change}${from ? ` (now ${from})` : ''}`;
  });
  return [
    `${change} would change`,
    ...keys,
    ...(rows.length > KEYS_SHOWN ? [`and ${rows.length - KEYS_SHOWN} more sysctls`] : []),
    ...(restart > 0 ? [`${restart} ${restart === 1 ? 'kubelet' : 'kubelets'} would restart`] : []),
    ...(restartUnread > 0
      ? [
          `${restartUnread} ${restartUnread === 1 ? 'kubelet' : 'kubelets'} would restart unless the list, not read yet, has the entries`,
        ]
      : []),
  ].join('; ');
}

/** Per entry of a profile, what would become of it; undefined where nothing is to be said. Bounded. */
export function describeEntries(preview: Preview): (entry: ResolvedSysctl) => string | undefined {
  const rows = new Map<string, KeySummary[]>();
  for (const row of keySummaries(preview)) rows.set(row.name, [...(rows.get(row.name) ?? []), row]);
  const { matched } = totalsOf(preview);
  return ({ name, lane }) => {
    if (lane === 'Pod') return describeLane(preview, name);
    const row = rows.get(name)?.find((r) => r.to !== undefined) ?? rows.get(name)?.[0];
    if (!row) return undefined;
    if (row.change === 0) return row.same > 0 ? 'would change no node' : undefined;
    const from = describeFrom(row);
    return `would change ${row.change} of ${matched} nodes${from ? ` (now ${from})` : ''}`;
  };
}

function describeLane({ groups }: Preview, name: string): string | undefined {
  const lacking = groups.filter(({ kubelet }) => kubelet.add.includes(name));
  if (lacking.length === 0) return undefined;
  const nodes = (restart: 'yes' | 'unread'): number =>
    lacking.filter((g) => g.kubelet.restart === restart).reduce((n, g) => n + g.nodes.length, 0);
  return [
    ...(nodes('yes') > 0 ? [`would restart ${nodes('yes')} kubelets`] : []),
    ...(nodes('unread') > 0 ? [`would restart ${nodes('unread')} kubelets whose list is not read yet`] : []),
  ].join('; ');
}
