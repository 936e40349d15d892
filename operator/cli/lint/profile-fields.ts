import { isScalar, type YAMLMap } from 'yaml';
import type { Report } from './report.ts';
import type { Source, Span } from './source.ts';

/** Fields of an object: the words that one takes, a kind of value, or undefined where deeper rules are the API server's. */
type Fields = Readonly<Record<string, readonly string[] | 'boolean' | 'integer' | undefined>>;

export const specFields: Fields = {
  nodeSelector: undefined,
  priority: 'integer',
  mode: ['Enforce', 'Plan'],
  sysctls: undefined,
  pods: undefined,
  rollout: undefined,
  driftPolicy: ['Correct', 'Report'],
  removalPolicy: ['Restore', 'Keep'],
  acknowledgeRisks: undefined,
};

export const entryFields: Fields = {
  name: undefined,
  value: undefined,
  match: ['Exact', 'AtLeast', 'AtMost'],
  scope: ['Auto', 'Node', 'Pod'],
  optional: 'boolean',
};

function problemWith(value: unknown, allowed: Fields[string]): string | undefined {
  if (allowed === undefined) return undefined;
  if (allowed === 'boolean') return typeof value === 'boolean' ? undefined : 'takes true or false';
  if (allowed === 'integer') return Number.isInteger(value) ? undefined : 'takes an integer';
  return allowed.some((word) => word === value) ? undefined : `takes ${allowed.join(', ')}`;
}

const alike = (a: string, b: string): boolean => a.toLowerCase().slice(0, 4) === b.toLowerCase().slice(0, 4);

/** Unknown and wrong fields. kubectl tells them too, but only with a cluster. */
export function checkFields(
  map: YAMLMap,
  fields: Fields,
  where: string,
  source: Source,
  report: Report,
): void {
  for (const { key, value } of map.items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    const span: Span = [key.range?.[0] ?? 0, key.range?.[1] ?? 0];
    if (!Object.hasOwn(fields, name)) {
      const near = Object.keys(fields).find((field) => alike(field, name));
      const hint = near ? `did you mean ${near}?` : `there are ${Object.keys(fields).join(', ')}`;
      report.add('profile-field', source, span, `${where} has no field ${name}: ${hint}`);
    } else if (isScalar(value)) {
      const problem = problemWith(value.value, fields[name]);
      if (problem)
        report.add(
          'profile-field',
          source,
          [value.range?.[0] ?? 0, value.range?.[1] ?? 0],
          `${name} ${problem}, not ${String(value.value)}`,
        );
    }
  }
}
