const INTEGER = /^-?(0[xX][0-9a-fA-F]+|[0-9]+)$/;
/** The kernel copies a number into 21 bytes before it reads it and refuses one that fills them (proc_get_long, kernel/sysctl.c). */
const LONGEST = 20;
const WIDEST = 2n ** 64n - 1n;
/** What nearly every value is: nothing but digits, decimal, far from the widest. */
const PLAIN = /^(?:0|[1-9][0-9]{0,17})$/;

/**
 * An integer as the kernel's parser reads it: 0x10 is 16, 010 is octal 8. undefined for anything else, also for numbers of more than 64
 * bits or more than 20 characters, which it refuses.
 */
export function kernelInteger(text: string): bigint | undefined {
  if (PLAIN.test(text)) return BigInt(text);
  if (text.length > LONGEST || !INTEGER.test(text)) return undefined;
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  const octal = /^0[0-9]/.test(digits);
  if (octal && /[89]/.test(digits)) return undefined;
  const value = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  if (value > WIDEST) return undefined;
  return negative ? -value : value;
}

/** What stands between two numbers of one value, and around it; no other blank does (proc_wspace_sep). */
const BLANKS = /[ \t\n]+/;

/** The parts of a value: of "1 2\t3\n" three, of "" none. */
export const partsOf = (value: string): string[] => value.split(BLANKS).filter((part) => part !== '');

/** The integers of a value; undefined when it has none or something else among them. */
export function kernelIntegers(value: string): bigint[] | undefined {
  if (PLAIN.test(value)) return [BigInt(value)];
  const numbers = partsOf(value).map((part) => kernelInteger(part));
  return numbers.length > 0 && numbers.every((number) => number !== undefined) ? numbers : undefined;
}
