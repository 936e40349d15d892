import { type Finding, rules, type RuleId, type Severity } from './rules.ts';
import type { Source, Span } from './source.ts';

export interface Details {
  key?: string;
  /** Where it is not the rule's own. */
  severity?: Severity;
}

/** Collects the findings of all files. */
export class Report {
  readonly findings: Finding[] = [];

  add(
    rule: RuleId,
    source: Source,
    [start, end]: Span,
    message: string,
    { key, severity }: Details = {},
  ): void {
    const { line, column } = source.position(start);
    const last = source.position(Math.max(start, end));
    this.findings.push({
      file: source.file,
      line,
      column,
      endLine: last.line,
      endColumn: last.column,
      severity: severity ?? rules[rule][0],
      rule,
      ...(key !== undefined && { key }),
      message,
    });
  }

  /** Some error was found in this part of the file. */
  hasError(source: Source, [start, end]: Span): boolean {
    const [from, to] = [source.position(start), source.position(end)];
    return this.findings.some(
      ({ file, severity, line, column }) =>
        file === source.file &&
        severity === 'error' &&
        (line > from.line || (line === from.line && column >= from.column)) &&
        (line < to.line || (line === to.line && column <= to.column)),
    );
  }

  /** By file in the order given, then by place. */
  sorted(files: readonly string[]): Finding[] {
    return this.findings.toSorted(
      (a, b) =>
        files.indexOf(a.file) - files.indexOf(b.file) ||
        a.line - b.line ||
        a.column - b.column ||
        a.rule.localeCompare(b.rule),
    );
  }
}
