import type { Match } from '../api/profile.ts';
import { tupleSize } from './catalog/lookup.ts';
import { kernelInteger, kernelIntegers, partsOf } from './integers.ts';
import { formatOf } from './key-formats.ts';
import { limitsOf } from './limits.ts';
import { roundings, settled } from './roundings.ts';

export { kernelInteger } from './integers.ts';

/**
 * One form for every way to write the same value: blanks and tabs become one blank, integers become decimal (the kernel reads hex and
 * octal and prints decimal), lists are sorted and joined, masks and addresses get one spelling, what every kernel changes is changed.
 * The kernel takes it as it takes the original. Texts stay as they are, and so does what the kernel would refuse.
 */
export function canonicalValue(name: string, raw: string): string {
  const format = formatOf(name);
  if (format) return format.canonical(raw) ?? raw;
  const numbers = kernelIntegers(raw);
  return numbers ? settled(name, numbers).join(' ') : partsOf(raw).join(' ');
}

/**
 * The live value is what the kernel makes of the wanted one: equal in canonical form, or after a rounding that this key is known for.
 * Equality in canonical form is an equivalence; the rounding has a direction, so that drift to a value that rounds alike is seen.
 */
export function sameValue(name: string, wanted: string, live: string): boolean {
  if (wanted === live) return true;
  const [a, b] = [canonicalValue(name, wanted), canonicalValue(name, live)];
  if (a === b) return true;
  const [x, y] = [kernelInteger(a), kernelInteger(b)];
  return x !== undefined && y !== undefined && roundings(name, x).includes(y);
}

/** The live value is good enough: the same (Exact), or an integer on the right side of the bound. */
export function satisfies(name: string, live: string, wanted: string, match: Match): boolean {
  if (match === 'Exact') return sameValue(name, wanted, live);
  const [x, y] = [kernelInteger(canonicalValue(name, wanted)), kernelInteger(canonicalValue(name, live))];
  if (x === undefined || y === undefined) return sameValue(name, wanted, live);
  return match === 'AtLeast' ? y >= x : y <= x;
}

/**
 * What is wrong with a value before it is written, with what was given and what is expected; undefined when nothing is known to be. The
 * kernel takes "5 trailing" for a single integer as 5 and "1 2" for three values as the first two, keeps the 1 and 2 of "1 2 x 3" when it
 * refuses them, and cuts a long host name. Keys that nobody knows are judged by their live value, and pass without one.
 */
export function checkShape(name: string, value: string, live?: string): string | undefined {
  const format = formatOf(name);
  if (format) {
    const canonical = format.canonical(value);
    if (canonical === undefined) return `${quoted(value)} is not ${format.expected}`;
    const bytes = Buffer.byteLength(canonical);
    if (format.maxBytes === undefined || bytes <= format.maxBytes) return undefined;
    return `takes ${format.maxBytes} bytes, not ${bytes} (${quoted(value)}): the kernel would cut off the rest`;
  }
  const limits = limitsOf(name);
  const size =
    tupleSize(name) ?? limits?.length ?? (live === undefined ? undefined : kernelIntegers(live)?.length);
  return size === undefined ? undefined : checkIntegers(name, value, size);
}

function checkIntegers(name: string, value: string, size: number): string | undefined {
  const parts = partsOf(value);
  if (parts.length !== size)
    return `takes ${size} value${size === 1 ? '' : 's'}, not ${parts.length} (${quoted(value)})`;
  const limits = limitsOf(name);
  const numbers: bigint[] = [];
  for (const [index, part] of parts.entries()) {
    const number = kernelInteger(part);
    if (number === undefined) return `${quoted(part)} is not an integer`;
    const [min, max] = limits?.[index] ?? [number, number];
    if (number < min || number > max) return `${quoted(part)} is not between ${min} and ${max}`;
    numbers.push(number);
  }
  const [low = 0n, high = 0n] = numbers;
  if (name === 'net.ipv4.ip_local_port_range' && low > high)
    return `the first port, ${low}, is above the last, ${high}`;
  return undefined;
}

/** Values come from people: a long one is cut in messages. */
const quoted = (value: string): string => `"${value.length > 80 ? `${value.slice(0, 77)}...` : value}"`;
