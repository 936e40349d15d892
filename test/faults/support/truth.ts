import { conditionOf, type Condition } from '../../../operator/api/conditions.ts';
import type { SysctlProfile } from '../../../operator/api/profile.ts';
import type { NodeSysctlState } from '../../../operator/api/state.ts';

/** Values by name, by node. */
export type Values = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What was said and, read after it, what there was. */
export interface Sample {
  /** ms: before anything was asked, and after the last value was read. */
  from: number;
  to: number;
  profile: SysctlProfile;
  /** What `kubectl get` prints, by the column's name. */
  cells: Readonly<Record<string, unknown>>;
  states: readonly NodeSysctlState[];
  values: Values;
}

/** What a profile wanted between two edits, and what was seen then; samples that an edit fell into are left out. */
export interface Epoch {
  name: string;
  generation: number;
  wanted: Values;
  samples: readonly Sample[];
}

/** Ready is at most this long False after the last node has everything, in ms. */
const LAG_MS = 2000;

const nodeHas = (values: Values, wanted: Values, node: string): boolean =>
  Object.entries(wanted[node] ?? {}).every(([name, value]) => values[node]?.[name] === value);
const havingAll = ({ wanted }: Epoch, { values }: Sample): string[] =>
  Object.keys(wanted).filter((node) => nodeHas(values, wanted, node));
const all = (epoch: Epoch, sample: Sample): boolean =>
  havingAll(epoch, sample).length === Object.keys(epoch.wanted).length;

/** What `kubectl wait --for=condition=Ready` and kstatus go by: a condition that was made from an older spec says nothing. */
function readyNow({ generation }: Epoch, { profile }: Sample): Condition | undefined {
  const ready = conditionOf(profile.status?.conditions, 'Ready');
  return ready?.observedGeneration === generation && profile.status?.observedGeneration === generation
    ? ready
    : undefined;
}

function ofProfile(epoch: Epoch, sample: Sample): string[] {
  const problems: string[] = [];
  const ready = readyNow(epoch, sample);
  const having = havingAll(epoch, sample);
  if (ready?.status === 'True' && !all(epoch, sample))
    problems.push(`Ready is True, and only ${having.join(', ') || 'no node'} has everything`);
  const counted = sample.profile.status?.nodes?.ready ?? 0;
  if (ready && counted > having.length)
    problems.push(`${counted} nodes are counted as ready, and ${having.join(', ') || 'none'} has everything`);
  return problems;
}

function ofColumns({ profile, cells }: Sample): string[] {
  const ready = conditionOf(profile.status?.conditions, 'Ready');
  const { matched, updated, ready: nodes } = profile.status?.nodes ?? {};
  const wanted = { Ready: ready?.status, Reason: ready?.reason, Matched: matched, Updated: updated };
  return Object.entries({ ...wanted, 'Nodes Ready': nodes })
    .filter(([column, value]) => (cells[column] ?? undefined) !== value)
    .map(([column, value]) => `the column ${column} says ${String(cells[column])} for ${String(value)}`);
}

/** `revision`: the one that holds what this epoch wants. */
function ofStates({ wanted }: Epoch, { states, values }: Sample, revision: string): string[] {
  return states
    .filter(
      ({ spec, status, metadata: { name } }) =>
        spec.revision === revision &&
        status?.observedRevision === revision &&
        conditionOf(status.conditions, 'Ready')?.status === 'True' &&
        !nodeHas(values, wanted, name),
    )
    .map(({ metadata: { name } }) => `the state of ${name} is Ready, and the node lacks something`);
}

/** How long Ready stayed False after the last node had everything, in ms; undefined when not all had it in the end. */
export function lagOf(epoch: Epoch): number | undefined {
  const lacking = epoch.samples.findLastIndex((sample) => !all(epoch, sample));
  const has = epoch.samples[lacking + 1];
  if (!has) return undefined;
  const told = epoch.samples.find((sample) => readyNow(epoch, sample)?.status === 'True');
  return told ? Math.max(0, told.from - has.to) : Number.POSITIVE_INFINITY;
}

/** Everything that was said between two edits and was not so. */
export function untruths(epoch: Epoch): string[] {
  const revision = epoch.samples.at(-1)?.states[0]?.spec.revision ?? '';
  const said = epoch.samples.flatMap((sample) =>
    [...ofProfile(epoch, sample), ...ofColumns(sample), ...ofStates(epoch, sample, revision)].map(
      (problem) => `${epoch.name}, ${Math.round(sample.from)} ms: ${problem}`,
    ),
  );
  const lag = lagOf(epoch) ?? 0;
  return lag > LAG_MS
    ? [...said, `${epoch.name}: Ready was False for ${lag} ms after the last had everything`]
    : said;
}
