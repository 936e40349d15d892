const GROUPS = 8;

function parseIpv4(text: string): number[] | undefined {
  const bytes = text.split('.');
  if (bytes.length !== 4 || !bytes.every((byte) => /^\d{1,3}$/.test(byte) && Number(byte) <= 255))
    return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number);
  return [a * 256 + b, c * 256 + d];
}

/** Groups joined by ":", the last two perhaps written as an IPv4 address; undefined for anything else. */
function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const last = parts.at(-1) ?? '';
  const tail = last.includes('.') ? parseIpv4(last) : [];
  const head = last.includes('.') ? parts.slice(0, -1) : parts;
  if (!tail || !head.every((part) => /^[0-9a-f]{1,4}$/i.test(part))) return undefined;
  return [...head.map((part) => Number.parseInt(part, 16)), ...tail];
}

/** The eight 16-bit groups of an IPv6 address in any spelling; undefined when it is none. */
export function parseAddress(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [left, right] = halves.map((half) => parseGroups(half));
  if (!left || (halves.length === 2 && !right)) return undefined;
  // An IPv4 address can only be the end of the whole.
  if (right && halves[0]?.includes('.')) return undefined;
  if (!right) return left.length === GROUPS ? left : undefined;
  const missing = GROUPS - left.length - right.length;
  return missing >= 1 ? [...left, ...Array<number>(missing).fill(0), ...right] : undefined;
}

/** In full length, as the kernel prints it (%pI6). */
export const printAddress = (groups: readonly number[]): string =>
  groups.map((group) => group.toString(16).padStart(4, '0')).join(':');
