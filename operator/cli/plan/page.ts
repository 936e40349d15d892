import type { KeySummary } from '../../plan/preview/summary.ts';
import { describeFrom } from '../../plan/preview/summary.ts';
import { cut, listed, painter, wrap, type Paint } from '../text.ts';
import type { PlanData } from './data.ts';
import { groupLines } from './groups.ts';
import { kubeletLines } from './kubelets.ts';

export interface PageOptions {
  colour: boolean;
  columns: number;
  /** Every group of nodes, and every name. */
  all: boolean;
}

const MAX_ROWS = 40;
const nodesOf = (n: number): string => `${n} ${n === 1 ? 'node' : 'nodes'}`;

/** A heading and its paragraphs, one list item each; nothing where there are none. */
function section(title: string, items: readonly string[], { columns, paint }: Look): string[] {
  if (items.length === 0) return [];
  const lines = items.flatMap((item) =>
    wrap(item, columns - 4).map((line, i) => `${i ? '    ' : '  '}${line}`),
  );
  return ['', paint('bold', title), ...lines];
}

interface Look {
  columns: number;
  paint: Paint;
}

function heading({ profiles, fleet, nodes }: PlanData, paint: Paint): string[] {
  const lines = profiles.map(
    (p) =>
      `${paint('bold', `Profile ${p.name}`)}${p.new ? ' (new)' : ''}: matches ${p.matched} of ${nodesOf(fleet)}`,
  );
  const rest = nodes.matched - nodes.change;
  const change =
    nodes.change === 0
      ? paint('green', 'Nothing would change.')
      : paint('yellow', `${nodesOf(nodes.change)} would change`) +
        (rest > 0 ? `; ${nodesOf(rest)} would not.` : '.');
  const unread =
    nodes.unread > 0 ? ` Not read yet: ${nodesOf(nodes.unread)}, where no agent has looked so far.` : '';
  return [...lines, change + unread];
}

const nowOf = (row: KeySummary): string => describeFrom(row) || (row.same > 0 ? 'as wanted' : '');

function becomes(row: KeySummary): string {
  if (row.to !== undefined) return row.to;
  return row.change > 0 ? '(no longer kept)' : '';
}

function keyTable({ sysctls }: PlanData, { columns, paint }: Look): string[] {
  if (sysctls.length === 0) return [];
  const rows = sysctls
    .toSorted((a, b) => b.change - a.change)
    .map((r) => [r.name, String(r.change), nowOf(r), becomes(r), r.by] as const);
  const head = ['SYSCTL', 'NODES', 'NOW', 'WOULD BE', 'BY'] as const;
  const shown = rows.slice(0, MAX_ROWS);
  const widest = (i: number, max: number): number =>
    Math.min(max, Math.max(...[head, ...shown].map((row) => row[i]?.length ?? 0)));
  const widths = [widest(0, 46), widest(1, 6), 0, widest(3, 24), widest(4, 24)];
  const used = widths.reduce((a, b) => a + b, 0) + 2 * widths.length;
  widths[2] = widest(2, Math.max(16, columns - used));
  const line = (row: readonly string[]): string =>
    `  ${row.map((cell, i) => cut(cell, widths[i] ?? 0).padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd();
  const more = rows.length - shown.length;
  return [
    '',
    paint('dim', line(head)),
    ...shown.map(line),
    ...(more > 0 ? [`  and ${more} more; -o json has all`] : []),
  ];
}

function podLane({ profiles }: PlanData): string[] {
  const entries = profiles.flatMap((p) => p.sysctls.filter((s) => s.lane === 'Pod'));
  return entries.map((s) => `${s.name}: ${s.reason ?? 'allowed to pods'}`);
}

const conflictsOf = ({ profiles }: PlanData): string[] =>
  profiles.flatMap((p) => [
    ...p.conflicts.map(
      (c) =>
        `${c.name}: ${c.mine} in ${p.name}, ${c.theirs} in ${c.other}, of the same priority; ${c.wins ? p.name : c.other} is older and wins on ${nodesOf(c.nodes)}`,
    ),
    ...p.overridden.map((o) => `${o.name}: ${o.by} has a higher priority than ${p.name} and decides`),
  ]);

function blocked({ groups }: PlanData): string[] {
  const found = new Map<string, string[]>();
  for (const { keys, nodes } of groups)
    for (const { kind, name, message } of keys) {
      if (kind !== 'blocked') continue;
      const text = message?.includes(name) ? message : `${name}: ${message ?? 'not as wanted'}`;
      found.set(text, [...(found.get(text) ?? []), ...nodes]);
    }
  return [...found].slice(0, 10).map(([text, nodes]) => `${text} (${named(nodes)})`);
}

/** "a, b and 27 more". */
export const named = (nodes: readonly string[], of = 3): string =>
  listed([...nodes.slice(0, of), ...(nodes.length > of ? [`${nodes.length - of} more`] : [])]);

/** The plan as a person reads it: a page, however many nodes there are. Pure. */
export function planPage(data: PlanData, options: PageOptions): string {
  const paint = painter(options.colour);
  const look = { columns: options.columns, paint };
  const lines = [
    ...heading(data, paint),
    ...keyTable(data, look),
    ...section('For pods', podLane(data), look),
    ...section('Kubelets', kubeletLines(data), look),
    ...section('Conflicts', conflictsOf(data), look),
    ...section(
      'Risks',
      data.risks.map((r) => `${r.name}: ${r.message}`),
      look,
    ),
    ...section(
      'Left out of the profile',
      data.profiles.flatMap((p) => p.problems.map((x) => `${x.name}: ${x.message}`)),
      look,
    ),
    ...section('Tried already, without success', blocked(data), look),
    ...groupLines(data, options, paint),
    ...section('Note', data.notes, look),
  ];
  return `${lines.join('\n')}\n`;
}
