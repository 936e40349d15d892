import { kernelInteger } from './integers.ts';
import { parseAddress, printAddress } from './ipv6-address.ts';

/** How the kernel reads and prints the values of some keys, where these are not plain integers. */
export interface Format<T> {
  /** undefined: the kernel would refuse it, or take a part of it. */
  parse(text: string): T | undefined;
  /** The one spelling of a value, which the kernel accepts too. */
  print(value: T): string;
  /** Completes the sentence "... is not". */
  expected: string;
}

const SPACE = /^[ \t\n]+|[ \t\n]+$/g;
const trim = (text: string): string => text.replace(SPACE, '');

export interface Range {
  low: number;
  high: number;
}

/** Sorted, overlapping and adjacent ones joined, as the kernel prints them. */
export function joinRanges(ranges: readonly Range[]): Range[] {
  const joined: Range[] = [];
  for (const { low, high } of ranges.toSorted((a, b) => a.low - b.low)) {
    const last = joined.at(-1);
    if (last && low <= last.high + 1) last.high = Math.max(last.high, high);
    else joined.push({ low, high });
  }
  return joined;
}

function parseRange(text: string): Range | undefined {
  const bounds = text.split('-').map((part) => kernelInteger(part));
  const [low, high = low] = bounds.map(Number);
  if (bounds.length > 2 || bounds.includes(undefined) || low === undefined || high === undefined)
    return undefined;
  return low <= high && high <= 65_535 ? { low, high } : undefined;
}

/** proc_do_large_bitmap: a list of numbers and ranges without blanks; one comma at its end is taken. */
export const rangeList: Format<Range[]> = {
  parse(text) {
    const list = trim(text).replace(/(?<=.),$/, '');
    if (list === '') return [];
    const ranges = list.split(',').map((part) => parseRange(part));
    return ranges.every((range) => range !== undefined) ? joinRanges(ranges) : undefined;
  },
  print: (ranges) => ranges.map(({ low, high }) => (low === high ? `${low}` : `${low}-${high}`)).join(','),
  expected: 'a list of numbers and ranges such as 8080,9000-9010 (0 to 65535, without blanks)',
};

/** Commas before every eighth digit from the end. */
function inGroups(digits: string): string {
  const first = digits.length % 8 || 8;
  return [digits.slice(0, first), ...(digits.slice(first).match(/.{8}/g) ?? [])].join(',');
}

/** bitmap_parse: groups of at most eight hexadecimal digits without 0x. The kernel prints as many as it has possible CPUs. */
export const hexMask: Format<bigint> = {
  parse(text) {
    const mask = trim(text);
    if (mask === '') return 0n;
    if (!/^[0-9a-f]{1,8}(,[0-9a-f]{1,8})*$/i.test(mask)) return undefined;
    const digits = mask.split(',').map((group) => group.padStart(8, '0'));
    return BigInt(`0x${digits.join('')}`);
  },
  print: (mask) => inGroups(mask.toString(16)),
  expected: 'a CPU mask in hexadecimal without 0x, such as ff or 1,00000000',
};

/** Names of which the order does not count: the kernel prints its own. */
export const nameSet: Format<string[]> = {
  parse: (text) => [...new Set(trim(text).split(/[ \t\n]+/))].filter((word) => word !== '').toSorted(),
  print: (words) => words.join(' '),
  expected: 'a list of names',
};

/** Kept as it is; the kernel ends it at the first line break or NUL. Blanks at its end are not seen by who reads it. */
export const freeText: Format<string> = {
  parse(text) {
    const value = text.trimEnd();
    return /[\n\0]/.test(value) ? undefined : value;
  },
  print: (text) => text,
  expected: 'one line of text',
};

const FASTOPEN_KEY = /^((0x)?[0-9a-f]{1,8}-){3}(0x)?[0-9a-f]{1,8}$/i;

/** One or two keys of four 32-bit numbers (proc_tcp_fastopen_key, net/ipv4/sysctl_net_ipv4.c). */
export const fastOpenKeys: Format<number[][]> = {
  parse(text) {
    const keys = trim(text).split(',');
    if (keys.length > 2 || !keys.every((key) => FASTOPEN_KEY.test(key))) return undefined;
    return keys.map((key) => key.split('-').map((part) => Number.parseInt(part, 16)));
  },
  print: (keys) =>
    keys.map((key) => key.map((part) => part.toString(16).padStart(8, '0')).join('-')).join(','),
  expected: 'one key, or two joined by a comma, of four groups of hexadecimal digits joined by "-"',
};

/** net.ipv6.conf.*.stable_secret: read back in full length. */
export const address: Format<number[]> = {
  parse: (text) => parseAddress(trim(text)),
  print: (groups) => printAddress(groups),
  expected: 'an IPv6 address',
};
