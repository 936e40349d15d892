import { describe, isRemoved, suggest } from '../../sysctl/catalog/index.ts';
import type { CatalogEntry } from '../../sysctl/catalog/types.ts';
import { normalizeName } from '../../sysctl/names.ts';
import { roundings } from '../../sysctl/roundings.ts';
import { kernelInteger } from '../../sysctl/values.ts';
import { messageOf } from '../../errors.ts';
import { lowersLimit } from './advice.ts';
import { checkValue } from './check-value.ts';
import type { Report } from './report.ts';
import type { Severity } from './rules.ts';
import type { Setting } from './subjects.ts';

/** A setting whose name makes sense. */
export interface Judged {
  setting: Setting;
  name: string;
  entry: CatalogEntry | undefined;
  value: string | undefined;
}

/** The catalog's entries of keys that were taken out of the kernel name the last version that had them. */

/** What is asked for as a sysctl, and is none. */
const ELSEWHERE: readonly (readonly [RegExp, string])[] = [
  [
    /transparent_?hugepage|\bthp\b/i,
    'transparent huge pages are set in /sys/kernel/mm/transparent_hugepage/enabled',
  ],
  [
    /ulimit|nofile|memlock|nproc$/i,
    'limits of processes are set by the container runtime (ulimit, systemd LimitNOFILE)',
  ],
];

function unknown({ source, nameSpan }: Setting, name: string, report: Report): void {
  const elsewhere = ELSEWHERE.find(([pattern]) => pattern.test(name))?.[1];
  if (elsewhere) {
    report.add('unknown-key', source, nameSpan, `${name} is no sysctl: ${elsewhere}; leave it out`, {
      key: name,
    });
    return;
  }
  const near = suggest(name);
  if (near.length > 0)
    report.add(
      'unknown-key',
      source,
      nameSpan,
      `${name} is not known; did you mean ${near.slice(0, 3).join(' or ')}?`,
      { key: name },
    );
  else
    report.add(
      'unknown-key',
      source,
      nameSpan,
      `${name} is not known, and nothing is like it: see whether the nodes have it (ls /proc/sys/${name.replace(/[./]/g, (c) => (c === '.' ? '/' : '.'))})`,
      { key: name, severity: 'warning' },
    );
}

function judgeValue({ setting, name, entry, value }: Judged, report: Report, limits: Severity): void {
  if (!entry || value === undefined || !setting.value?.usable) return;
  const { source } = setting;
  const { span } = setting.value;
  const problem = checkValue(entry, name, value);
  if (problem) {
    report.add(problem.rule, source, span, problem.message, { key: name });
    return;
  }
  const lower = lowersLimit(name, value, entry);
  if (lower) report.add('lowers-limit', source, span, lower, { key: name, severity: limits });
  const number = kernelInteger(value);
  const kept = number === undefined ? [] : roundings(name, number);
  if (kept.length > 0 && number !== undefined && !kept.includes(number))
    report.add(
      'rounded-value',
      source,
      span,
      `the kernel does not keep ${value} but ${[...new Set(kept.map(String))].join(' or ')}: write what it keeps`,
      {
        key: name,
      },
    );
}

/**
 * Name and value, wherever they are written. `limits`: how bad a value below the default is here. undefined when nothing else can be said, because
 * there is no such key or nobody can write it.
 */
export function judgeSetting(
  setting: Setting,
  report: Report,
  limits: Severity = 'warning',
): Judged | undefined {
  let name: string;
  try {
    name = normalizeName(setting.name);
  } catch (error) {
    report.add('invalid-name', setting.source, setting.nameSpan, messageOf(error), { key: setting.name });
    return undefined;
  }
  const judged: Judged = { setting, name, entry: describe(name), value: setting.value?.text };
  const { entry } = judged;
  const key = { key: name };
  if (!entry) unknown(setting, name, report);
  else if (isRemoved(entry))
    report.add(
      'removed-key',
      setting.source,
      setting.nameSpan,
      `${name} is gone, only ${entry.module} had it: leave it out`,
      key,
    );
  else if (!entry.writable)
    report.add(
      'read-only-key',
      setting.source,
      setting.nameSpan,
      `${name} can only be read: leave it out`,
      key,
    );
  else judgeValue(judged, report, limits);
  return entry && (isRemoved(entry) || !entry.writable) ? undefined : judged;
}
