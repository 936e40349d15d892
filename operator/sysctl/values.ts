import type { Match } from '../api/profile.ts';
import { tupleSize } from './catalog/lookup.ts';
import { roundings } from './roundings.ts';

const INTEGER = /^-?(0[xX][0-9a-fA-F]+|[0-9]+)$/;

/** An integer as the kernel's parser reads it: 0x10 is 16, 010 is octal 8. undefined for anything else. */
export function kernelInteger(text: string): bigint | undefined {
  if (!INTEGER.test(text)) return undefined;
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  const octal = /^0[0-9]/.test(digits);
  if (octal && /[89]/.test(digits)) return undefined;
  const value = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  return negative ? -value : value;
}

/** Port lists (net.ipv4.ip_local_reserved_ports): sorted, ranges joined, as the kernel prints them. */
function canonicalPorts(text: string): string {
  const ranges = text
    .split(',')
    .filter(Boolean)
    .map((part) => part.split('-').map(Number))
    .map(([low = Number.NaN, high = low]) => ({ low, high }));
  if (ranges.some(({ low, high }) => !Number.isInteger(low) || !Number.isInteger(high))) return text;
  const joined: { low: number; high: number }[] = [];
  for (const range of ranges.toSorted((a, b) => a.low - b.low)) {
    const last = joined.at(-1);
    if (last && range.low <= last.high + 1) last.high = Math.max(last.high, range.high);
    else joined.push({ ...range });
  }
  return joined.map(({ low, high }) => (low === high ? `${low}` : `${low}-${high}`)).join(',');
}

const isPortList = (name: string): boolean => name.endsWith('_reserved_ports');
/** Hexadecimal without 0x. fs.xfs.panic_mask is an ordinary integer. */
const isMask = (name: string): boolean => /^net\.core\.(rps_default_mask|flow_limit_cpu_bitmap)$/.test(name);

/**
 * One form for every way to write the same value: blanks and tabs become one blank, integers become decimal (the kernel reads hex and
 * octal and prints decimal), port lists are sorted and joined, CPU masks lose their leading zeros. Texts stay as they are.
 */
export function canonicalValue(name: string, raw: string): string {
  const text = raw.trim().replace(/[\s]+/g, ' ');
  if (isPortList(name)) return canonicalPorts(text);
  // The kernel prints groups of eight digits, as many as there are possible CPUs: 00000000,00000003.
  if (isMask(name)) return text.toLowerCase().replace(/^[0,]+(?=.)/, '');
  const parts = text.split(' ').map((part) => kernelInteger(part)?.toString());
  return parts.every((part) => part !== undefined) ? parts.join(' ') : text;
}

/** The live value is what the kernel makes of the wanted one: equal in canonical form, or after a rounding that this key is known for. */
export function sameValue(name: string, wanted: string, live: string): boolean {
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
 * What is wrong with the shape of a value, or undefined. The kernel takes "5 trailing" for a single integer as 5 and "1 2" for
 * three values as the first two, so the count is checked before anything is written. Unknown kinds pass.
 */
export function checkShape(name: string, value: string, live?: string): string | undefined {
  const parts = value.trim().split(/\s+/);
  const size = tupleSize(name) ?? sizeOf(live);
  if (size === undefined || value.trim() === '') return undefined;
  if (parts.length !== size)
    return `takes ${size} value${size === 1 ? '' : 's'}, not ${parts.length} ("${value}")`;
  const bad = parts.find((part) => kernelInteger(part) === undefined);
  if (bad === undefined || isMask(name) || isPortList(name)) return undefined;
  return `"${bad}" is not an integer`;
}

/** How many integers a live value has; undefined when it is not made of integers. */
function sizeOf(live: string | undefined): number | undefined {
  if (live === undefined || live.trim() === '') return undefined;
  const parts = live.trim().split(/\s+/);
  return parts.every((part) => kernelInteger(part) !== undefined) ? parts.length : undefined;
}
