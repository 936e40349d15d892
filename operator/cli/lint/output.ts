import { count, listed, painter, wrap, type Style } from '../text.ts';
import type { Finding, Severity } from './rules.ts';

const STYLES: Record<Severity, Style> = { error: 'red', warning: 'yellow', note: 'blue' };
const INDENT = 4;

/** One finding, as compilers print them, so that editors jump to its place. On a terminal the message has lines of its own. */
function finding(
  { file, line, column, severity, rule, message }: Finding,
  colour: boolean,
  columns: number,
): string {
  const paint = painter(colour);
  const place = paint('bold', `${file}:${line}:${column}:`);
  const head = `${place} ${paint(STYLES[severity], severity)}`;
  if (!colour) return `${head}: ${message} [${rule}]`;
  const lines = wrap(message, Math.max(40, columns - INDENT)).map((text) => `${' '.repeat(INDENT)}${text}`);
  return `${head} ${paint('dim', rule)}\n${lines.join('\n')}`;
}

export const textReport = (findings: readonly Finding[], colour: boolean, columns: number): string =>
  findings.map((one) => `${finding(one, colour, columns)}\n`).join('');

export const jsonReport = (findings: readonly Finding[]): string => `${JSON.stringify(findings, null, 2)}\n`;

/** "2 errors and 1 note in 3 files" */
export function summary(findings: readonly Finding[], files: number): string {
  const of = (severity: Severity): number => findings.filter((one) => one.severity === severity).length;
  const parts = (['error', 'warning', 'note'] as const).flatMap((severity) =>
    of(severity) > 0 ? [count(of(severity), severity)] : [],
  );
  return `${parts.length > 0 ? listed(parts) : 'nothing found'} in ${count(files, 'file')}`;
}
