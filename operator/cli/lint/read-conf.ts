import type { Report } from './report.ts';
import { Source, type Span } from './source.ts';
import type { Setting, Subjects } from './subjects.ts';

const COMMENT = /^\s*[#;]/;

/**
 * A line of sysctl.d(5): blanks around both are trimmed, the first "=" splits, a leading "-" means that failing is no failure. There are
 * no comments at the end of a line and no quotes: both would be part of the value.
 */
function readLine(line: string, start: number, source: Source, report: Report): Setting | undefined {
  const equals = line.indexOf('=');
  const whole: Span = [start + line.search(/\S/), start + line.trimEnd().length];
  if (equals === -1) {
    // "-net.ipv4.conf.eth0.*" alone takes keys out of a pattern above it.
    if (/^\s*-[^\s]+\s*$/.test(line)) return undefined;
    report.add('syntax', source, whole, 'no "=": write it as name = value, or as a comment with # in front');
    return undefined;
  }
  const left = line.slice(0, equals);
  const name = left.trim().replace(/^-/, '');
  const nameStart = start + left.indexOf(name);
  const right = line.slice(equals + 1);
  const text = right.trim();
  const valueStart = start + equals + 1 + (text === '' ? 0 : right.indexOf(text));
  return {
    source,
    name,
    nameSpan: [nameStart, nameStart + name.length],
    value: { text, span: [valueStart, valueStart + text.length], usable: true, integer: false },
  };
}

/** Reads a sysctl.conf or a file of sysctl.d. */
export function readConf(source: Source, subjects: Subjects, report: Report): void {
  const settings: Setting[] = [];
  let start = 0;
  for (const line of source.text.split('\n')) {
    if (line.trim() !== '' && !COMMENT.test(line)) {
      const setting = readLine(line, start, source, report);
      if (setting) settings.push(setting);
    }
    start += line.length + 1;
  }
  subjects.confs.push({ source, settings });
}
