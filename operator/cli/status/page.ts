import { conditionOf, type Condition } from '../../api/conditions.ts';
import type { SysctlProfile } from '../../api/profile.ts';
import type { NodeSysctlState } from '../../api/state.ts';
import { ago, tableLines } from '../cluster/columns.ts';
import { count, painter, wrap, type Paint } from '../text.ts';

export interface PageOptions {
  colour: boolean;
  columns: number;
  /** ms since 1970 */
  now: number;
}

const CONDITIONS = ['Ready', 'Reconciling', 'Stalled', 'Accepted', 'Conflicted', 'Drifted'];
/** Of these True is what nobody wants. */
const BAD_WHEN_TRUE = new Set(['Stalled', 'Conflicted', 'Drifted']);
const NODES_SHOWN = 20;

const ready = ({ status }: SysctlProfile): Condition | undefined => conditionOf(status?.conditions, 'Ready');

function row(profile: SysctlProfile, now: number): string[] {
  const { metadata, status, spec } = profile;
  const condition = ready(profile);
  const { matched = 0, updated = 0, failed = 0, drifted = 0, ready: done = 0 } = status?.nodes ?? {};
  const seen = status?.observedGeneration === metadata.generation;
  return [
    metadata.name,
    spec.mode ?? 'Enforce',
    condition ? `${condition.status}${seen ? '' : ' (of an older spec)'}` : 'not seen yet',
    condition?.reason ?? '-',
    ...[matched, updated, done, failed, drifted].map(String),
    condition ? ago(condition.lastTransitionTime, now) : '-',
  ];
}

/** All profiles, a line each, and what is wrong with those that are not ready. Pure. */
export function overviewPage(profiles: readonly SysctlProfile[], options: PageOptions): string {
  const paint = painter(options.colour);
  if (profiles.length === 0) return 'There is no profile in this cluster.\n';
  const head = [
    'PROFILE',
    'MODE',
    'READY',
    'REASON',
    'MATCHED',
    'UPDATED',
    'NODES READY',
    'FAILED',
    'DRIFTED',
    'SINCE',
  ];
  const sorted = profiles.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const lines = tableLines(
    head,
    sorted.map((p) => row(p, options.now)),
    { columns: options.columns, paint, elastic: 0 },
  );
  for (const profile of sorted) {
    const condition = ready(profile);
    if (!condition || condition.status === 'True') continue;
    const [first = '', ...rest] = wrap(`${profile.metadata.name}: ${condition.message}`, options.columns - 2);
    lines.push(paint('yellow', first), ...rest.map((line) => `  ${line}`));
  }
  return `${lines.join('\n')}\n`;
}

function conditionLines(profile: SysctlProfile, { now, columns }: PageOptions, paint: Paint): string[] {
  return CONDITIONS.flatMap((type) => {
    const condition = conditionOf(profile.status?.conditions, type);
    if (!condition) return [];
    const good = BAD_WHEN_TRUE.has(type) === (condition.status === 'False');
    const title = `${type}=${condition.status} (${condition.reason}, for ${ago(condition.lastTransitionTime, now)})`;
    const text = wrap(condition.message, columns - 6).map((line) => `    ${line}`);
    return [`  ${paint(good ? 'green' : 'yellow', title)}`, ...text];
  });
}

/** One profile: conditions, how its entries were resolved, what failed, and the nodes that are not done. Pure. */
export function profilePage(
  profile: SysctlProfile,
  states: readonly NodeSysctlState[],
  options: PageOptions,
): string {
  const paint = painter(options.colour);
  const { status, metadata } = profile;
  const { matched = 0, updated = 0, ready: done = 0, failed = 0, drifted = 0 } = status?.nodes ?? {};
  const sysctls = (status?.sysctls ?? []).map((s) => [s.name, s.lane, s.namespace ?? '', s.reason ?? '']);
  const failures = (status?.failures ?? []).map((f) => `  ${f.node}: ${f.name ?? ''} ${f.message ?? ''}`);
  const open = states.filter((s) => conditionOf(s.status?.conditions, 'Ready')?.status !== 'True');
  const lines = [
    `${paint('bold', `Profile ${metadata.name}`)}: ${count(matched, 'node')} matched, ${updated} updated, ${done} ready, ${failed} failed, ${drifted} drifted`,
    ...(status?.conditions ? conditionLines(profile, options, paint) : ['  the manager has not seen it yet']),
    ...(sysctls.length > 0
      ? [
          '',
          ...tableLines(['SYSCTL', 'LANE', 'NAMESPACE', 'WHY'], sysctls, {
            columns: options.columns,
            paint,
            elastic: 3,
          }),
        ]
      : []),
    ...(failures.length > 0 ? ['', paint('bold', 'Failures, newest first'), ...failures] : []),
    ...(open.length > 0 ? ['', paint('bold', 'Nodes that are not ready'), ...nodeLines(open, options)] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function nodeLines(states: readonly NodeSysctlState[], { now, columns }: PageOptions): string[] {
  const lines = states.slice(0, NODES_SHOWN).map((s) => {
    const condition = conditionOf(s.status?.conditions, 'Ready');
    const text = condition
      ? `${condition.reason} for ${ago(condition.lastTransitionTime, now)}: ${condition.message}`
      : 'its agent has not reported yet';
    return `  ${s.metadata.name}: ${text}`.slice(0, columns);
  });
  const more = states.length - NODES_SHOWN;
  return more > 0 ? [...lines, `  and ${more} more`] : lines;
}
