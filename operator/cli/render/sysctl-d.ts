import type { SysctlEntry, SysctlProfile } from '../../api/profile.ts';
import { plainEntry, MARK } from '../sysctl-d-marks.ts';
import { lostMatch, lostPatterns, type Input, type Item, type Output } from './rendering.ts';

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** What the line itself does not say of its entry, or undefined when it says everything. null: a field that the line implies. */
function beyondTheLine(entry: SysctlEntry): Record<string, unknown> | undefined {
  const plain: Partial<SysctlEntry> = plainEntry(
    entry.name,
    oneLine(String(entry.value)),
    entry.optional === true,
  );
  const fields = new Set([...Object.keys(plain), ...Object.keys(entry)] as (keyof SysctlEntry)[]);
  const more = [...fields]
    .filter((field) => plain[field] !== entry[field])
    .map((field) => [field, entry[field] ?? null] as const);
  return more.length > 0 ? Object.fromEntries(more) : undefined;
}

function line(entry: SysctlEntry, lane: Item['lane'] | undefined): string {
  const text = `${oneLine(entry.name)} = ${oneLine(String(entry.value))}`;
  if (lane !== 'Node') {
    const why = lane === 'Pod' ? 'for pods, not for this node' : 'refused by the operator';
    return `${MARK} ${JSON.stringify({ entry })}\n# ${why}: ${text}\n`;
  }
  const more = beyondTheLine(entry);
  return `${more ? `${MARK} ${JSON.stringify(more)}\n` : ''}${entry.optional ? '-' : ''}${text}\n`;
}

/** Everything of the profile that is no entry, for adopt. */
function header({ apiVersion, kind, metadata, spec }: SysctlProfile): string {
  const { sysctls, ...rest } = spec;
  const { name, labels, annotations } = metadata;
  const said = {
    apiVersion,
    kind,
    metadata: { name, ...(labels && { labels }), ...(annotations && { annotations }) },
    spec: { ...rest, ...(sysctls && { sysctls: [] }) },
  };
  return `${MARK} ${JSON.stringify({ profile: said })}`;
}

/** A file for /etc/sysctl.d. Lines with the mark are comments to everybody but `adopt`, which gets the whole profile back from them. */
export function sysctlD(input: Input): Output {
  const { profile, items } = input;
  const lanes = new Map(items.map((item) => [item.entry, item.lane]));
  const lines = (profile.spec.sysctls ?? []).map((entry) => line(entry, lanes.get(entry)));
  const title = `# SysctlProfile ${profile.metadata.name}. Made by: kubectl sysctl render --to sysctl.d\n# ${MARK} lines are for kubectl sysctl adopt --from sysctl.conf, which gives the profile back.`;
  const pods = items.filter(({ lane }) => lane === 'Pod');
  return {
    text: `${title}\n${header(profile)}\n\n${lines.join('')}`,
    lost: [
      ...items.filter(({ lane }) => lane === 'Node').flatMap(lostMatch),
      ...lostPatterns(input),
      ...pods
        .filter(({ name }) => !input.patterns.includes(name))
        .map(({ name }) => `${name}: each pod sets its own`),
      'which nodes, the careful rollout, drift and putting the old values back',
    ],
  };
}
