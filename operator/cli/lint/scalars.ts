import { type Scalar } from 'yaml';
import type { Report } from './report.ts';
import type { Source, Span } from './source.ts';
import type { Written } from './subjects.ts';

/** What kubectl (sigs.k8s.io/yaml) makes of a scalar without quotes: YAML 1.1, for the most part. */
export type Plain =
  | { kind: 'string' }
  | { kind: 'integer'; value: bigint }
  | { kind: 'float' | 'boolean' | 'null' };

const BOOLEAN = /^(y|yes|on|true|n|no|off|false)$/i;
const NULL = /^(~|null|)$/i;
const INTEGER = /^[-+]?(0x[0-9a-f]+|0b[01]+|0o?[0-7]+|0|[1-9][0-9]*)$/i;
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)(e[-+]?[0-9]+)?$/i;

/** What becomes of a scalar that has no quotes. */
export function plainScalar(source: string): Plain {
  if (NULL.test(source)) return { kind: 'null' };
  if (BOOLEAN.test(source)) return { kind: 'boolean' };
  const digits = source.replaceAll('_', '');
  if (INTEGER.test(digits)) {
    const [, sign = '', body = ''] = /^([-+]?)(.*)$/.exec(digits) ?? [];
    const octal = /^0[0-7]+$/.test(body) ? `0o${body.slice(1)}` : body.toLowerCase();
    const value = BigInt(octal);
    return { kind: 'integer', value: sign === '-' ? -value : value };
  }
  return FLOAT.test(digits) ? { kind: 'float' } : { kind: 'string' };
}

const INT64_MAX = 2n ** 63n - 1n;

/** Tells what YAML changes on the way. Returns whether the rest of the value is worth judging. */
function checkPlain(text: string, plain: Plain, source: Source, span: Span, report: Report): boolean {
  const quote = `write "${text}" in quotes`;
  if (plain.kind === 'integer') {
    if (plain.value > INT64_MAX)
      report.add(
        'yaml-value',
        source,
        span,
        `${text} is too large for an integer in YAML and JSON: ${quote}`,
      );
    else if (/_|^[-+]?0[0-7]|^[-+]?0o|^[-+]?0b/i.test(text))
      report.add(
        'yaml-value',
        source,
        span,
        `kubectl reads ${text} as ${plain.value}, other programs as something else: write the number that is meant without that`,
        {
          severity: 'warning',
        },
      );
    return plain.value <= INT64_MAX;
  }
  if (plain.kind === 'string') return true;
  const what = { float: 'a floating-point number', boolean: 'a boolean', null: 'nothing' }[plain.kind];
  const instead =
    plain.kind === 'boolean'
      ? 'sysctls take 1 or 0'
      : plain.kind === 'null'
        ? 'write the value'
        : 'write all digits';
  report.add(
    'yaml-value',
    source,
    span,
    `YAML makes ${what} of ${text || 'this'}, which the API server refuses: ${instead}`,
  );
  return false;
}

/** A scalar as the kernel would get it. */
export function written(scalar: Scalar, source: Source, report: Report): Written {
  const span: Span = [scalar.range?.[0] ?? 0, scalar.range?.[1] ?? 0];
  if (scalar.type !== 'PLAIN') return { text: String(scalar.value), span, usable: true, integer: false };
  const text = scalar.source ?? '';
  const plain = plainScalar(text);
  const usable = checkPlain(text, plain, source, span, report);
  const integer = plain.kind === 'integer';
  return { text: integer ? plain.value.toString() : text, span, usable, integer };
}
