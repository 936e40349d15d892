import { isMap, isScalar, isSeq, type Document, type YAMLMap } from 'yaml';
import type { SysctlEntry } from '../../api/profile.ts';
import { resolveProfile } from '../../plan/resolve.ts';
import { checkFields, entryFields, specFields } from './profile-fields.ts';
import type { Report } from './report.ts';
import { written } from './scalars.ts';
import type { Source, Span } from './source.ts';
import type { ProfileEntry, Subjects } from './subjects.ts';

const spanOf = (node: unknown): Span => {
  const range = (node as { range?: [number, number, number] | null } | null | undefined)?.range;
  return [range?.[0] ?? 0, range?.[1] ?? 0];
};

function readEntry(
  item: YAMLMap,
  document: Document,
  source: Source,
  report: Report,
): ProfileEntry | undefined {
  checkFields(item, entryFields, 'an entry of spec.sysctls', source, report);
  const [name, value] = [item.get('name', true), item.get('value', true)];
  if (!isScalar(name)) {
    report.add('profile-field', source, spanOf(item), 'an entry of spec.sysctls needs a name');
    return undefined;
  }
  const entry: ProfileEntry = {
    source,
    name: String(name.value),
    nameSpan: spanOf(name),
    span: spanOf(item),
    entry: { ...(item.toJS(document) as SysctlEntry), name: String(name.value), value: '' },
  };
  if (isScalar(value)) {
    entry.value = written(value, source, report);
    entry.entry.value = entry.value.text;
  } else if (value === undefined)
    report.add('profile-field', source, spanOf(item), `${entry.name} has no value`, { key: entry.name });
  else
    report.add(
      'yaml-value',
      source,
      spanOf(value),
      `${entry.name}: several values are one text in quotes, "250 32000 32 128"`,
      { key: entry.name },
    );
  return entry;
}

/** Reads a SysctlProfile, and what its entries and patterns are. */
export function readProfile(
  map: YAMLMap,
  document: Document,
  source: Source,
  subjects: Subjects,
  report: Report,
): void {
  const spec = map.get('spec', true);
  const name = map.getIn(['metadata', 'name'], true);
  const nameSpan = spanOf(name ?? map.get('kind', true));
  if (!isScalar(name)) report.add('profile-field', source, nameSpan, 'metadata.name is missing');
  if (!isMap(spec)) {
    report.add('profile-field', source, nameSpan, 'spec is missing');
    return;
  }
  checkFields(spec, specFields, 'spec', source, report);
  if (!spec.has('nodeSelector'))
    report.add(
      'profile-field',
      source,
      nameSpan,
      'spec.nodeSelector is missing: name labels of nodes, or {} for every node',
    );
  const items = spec.get('sysctls', true);
  const entries = isSeq(items)
    ? items.items.flatMap((item) => (isMap(item) ? (readEntry(item, document, source, report) ?? []) : []))
    : [];
  const allowed = spec.getIn(['pods', 'allowedUnsafeSysctls'], true);
  const patterns = isSeq(allowed) ? allowed.items.filter((item) => isScalar(item)) : [];
  if (entries.length + patterns.length === 0)
    report.add(
      'profile-field',
      source,
      nameSpan,
      'the profile says nothing: spec.sysctls or spec.pods.allowedUnsafeSysctls needs an entry',
    );
  const profile = isScalar(name) ? String(name.value) : '';
  const risks = spec.get('acknowledgeRisks');
  const resolved = resolveProfile({
    metadata: { name: profile },
    spec: {
      nodeSelector: {},
      sysctls: entries.map(({ entry }) => entry),
      acknowledgeRisks: isSeq(risks)
        ? risks.items.map((item) => String(isScalar(item) ? item.value : ''))
        : [],
    },
  });
  const driftPolicy = spec.get('driftPolicy');
  subjects.profiles.push({ source, name: profile, nameSpan, driftPolicy, entries, resolved });
  for (const item of patterns)
    subjects.patterns.push({ source, pattern: String(item.value), span: spanOf(item), profile });
}
