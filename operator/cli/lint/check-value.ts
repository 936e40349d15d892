import type { CatalogEntry } from '../../sysctl/catalog/types.ts';
import { checkShape, kernelInteger } from '../../sysctl/values.ts';
import { count } from '../text.ts';
import type { RuleId } from './rules.ts';

export interface ValueProblem {
  rule: RuleId & ('bad-value' | 'value-count' | 'out-of-range');
  message: string;
}

const bits = (n: bigint): bigint => 2n ** n;
/** Widest range of each kind of integer, on machines of 64 bits. */
const WIDTHS: Partial<Record<CatalogEntry['type'], readonly [bigint, bigint]>> = {
  int: [-bits(31n), bits(31n) - 1n],
  uint: [0n, bits(32n) - 1n],
  bool: [0n, 1n],
  long: [-bits(63n), bits(63n) - 1n],
  ulong: [0n, bits(64n) - 1n],
};

const LIST = /^\d+(-\d+)?(,\d+(-\d+)?)*,?$/;
const HIGHEST_PORT = 65535;
const FORMATS: Partial<Record<CatalogEntry['type'], { fits: (text: string) => boolean; what: string }>> = {
  bitmap: {
    fits: (text) => LIST.test(text),
    what: 'a list of numbers and ranges without blanks, such as 0-3,7',
  },
  hex: { fits: (text) => /^[0-9a-f]+(,[0-9a-f]+)*$/i.test(text), what: 'a mask in hexadecimal without 0x' },
  ports: {
    fits: (text) => LIST.test(text) && text.split(/[-,]/).every((port) => Number(port) <= HIGHEST_PORT),
    what: 'a list of ports and ranges without blanks, such as 8080,30000-32767',
  },
};

/** JavaScript's numbers are not exact beyond 2^53; the width of the type is then the better bound. */
function rangeOf({ type, range }: CatalogEntry): readonly [bigint, bigint] | undefined {
  const width = WIDTHS[type];
  if (!range) return width;
  const [min, max] = range;
  const high = Number.isSafeInteger(max) ? BigInt(max) : (width?.[1] ?? bits(64n) - 1n);
  return Number.isSafeInteger(min) ? [BigInt(min), high] : width;
}

function checkIntegers(entry: CatalogEntry, name: string, text: string): ValueProblem | undefined {
  const parts = text.split(/\s+/);
  const bad = parts.find((part) => kernelInteger(part) === undefined);
  if (bad !== undefined) {
    const what =
      entry.type === 'bool' ? '0 or 1' : entry.arity === 1 ? 'an integer' : 'integers with blanks between';
    const unit = /^\d+(\.\d+)?\s*([kKmMgG]i?[bB]?|ms|s)$/.test(bad)
      ? `; the kernel knows no units: write the number of ${entry.unit ?? 'units'}`
      : '';
    return { rule: 'bad-value', message: `${name} takes ${what}, not "${text}"${unit}` };
  }
  if (entry.arity !== null && parts.length !== entry.arity)
    return {
      rule: 'value-count',
      message: `${name} takes ${count(entry.arity, 'value')}, not ${parts.length} ("${text}"): the kernel would take what is there without a word`,
    };
  const range = rangeOf(entry);
  const outside =
    range &&
    parts.find((part) => (kernelInteger(part) ?? 0n) < range[0] || (kernelInteger(part) ?? 0n) > range[1]);
  return outside === undefined || !range
    ? undefined
    : {
        rule: 'out-of-range',
        message: `${name} takes ${range[0]} to ${range[1]}, not ${outside}: the kernel refuses it`,
      };
}

/** What is wrong with a value, or undefined: by what the catalog says of the key, and by what the operator itself refuses to write. */
export function checkValue(entry: CatalogEntry, name: string, text: string): ValueProblem | undefined {
  const problem = checkByCatalog(entry, name, text);
  if (problem) return problem;
  const shape = checkShape(name, text);
  return shape === undefined ? undefined : { rule: 'bad-value', message: `${name}: ${shape}` };
}

function checkByCatalog(entry: CatalogEntry, name: string, text: string): ValueProblem | undefined {
  if (entry.type === 'string') return undefined;
  if (text === '')
    return entry.type === 'ports' ? undefined : { rule: 'bad-value', message: `${name} needs a value` };
  const format = FORMATS[entry.type];
  if (!format) return checkIntegers(entry, name, text);
  return format.fits(text)
    ? undefined
    : { rule: 'bad-value', message: `${name} takes ${format.what}, not "${text}"` };
}
