import * as fc from 'fast-check';
import { joinRanges, type Range } from '../../../operator/sysctl/formats.ts';

const WIDEST = 2n ** 64n - 1n;

/** A spelling of an integer that the kernel reads as that integer. */
export const spelled = (value: bigint): fc.Arbitrary<string> => {
  const [sign, size] = value < 0n ? ['-', -value] : ['', value];
  const all = [
    `${sign}${size}`,
    `${sign}0x${size.toString(16)}`,
    `${sign}0X${size.toString(16).toUpperCase()}`,
    `${sign}0${size.toString(8)}`,
  ];
  return fc.constantFrom(...all.filter((text) => text.length <= 20));
};
export const kernelIntegers = fc.bigInt({ min: -(2n ** 63n), max: WIDEST });

const blank = fc.constantFrom(' ', '\t', '  ', ' \t ', '\n');
/** The integers in any spelling, with blanks and tabs between them and around. */
export const spelledTuple = (values: readonly bigint[]): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.tuple(...values.map(spelled)),
      fc.array(blank, { minLength: values.length + 1, maxLength: values.length + 1 }),
    )
    .map(([words, blanks]) => words.map((word, i) => `${blanks[i]}${word}`).join('') + (blanks.at(-1) ?? ''));

const port = fc.integer({ min: 0, max: 65_535 });
const range = fc
  .tuple(port, fc.integer({ min: 0, max: 40 }))
  .map(([low, width]): Range => ({ low, high: Math.min(low + width, 65_535) }));
const anyRanges = fc.array(range, { maxLength: 12 });
export const rangeLists = anyRanges.map(joinRanges);
/** The same set of numbers in two spellings: as it is kept, and shuffled, split and spelled otherwise. */
export const spelledRanges = anyRanges.chain((ranges) =>
  fc
    .tuple(fc.shuffledSubarray(ranges, { minLength: ranges.length }), fc.constantFrom('', ','))
    .chain(([shuffled, end]) =>
      fc
        .tuple(...shuffled.map(({ low, high }) => fc.tuple(spelled(BigInt(low)), spelled(BigInt(high)))))
        .map((words) => ({
          kept: joinRanges(ranges),
          text:
            words.map(([low, high]) => (low === high ? low : `${low}-${high}`)).join(',') +
            (words.length > 0 ? end : ''),
        })),
    ),
);

export const masks = fc.bigInt({ min: 0n, max: 2n ** 160n - 1n });
/** As the kernel prints a mask for so many CPUs, from 160 on. */
export const printedMask = (mask: bigint, cpus: number): string => {
  const groups =
    mask
      .toString(16)
      .padStart(Math.ceil(cpus / 32) * 8, '0')
      .match(/.{8}/g) ?? [];
  return groups.join(',');
};

export const names = fc.stringMatching(/^[a-z][a-z0-9_]{0,14}$/);
export const texts = fc
  .string({ unit: 'binary', maxLength: 80 })
  .map((text) => text.replace(/[\n\0]/g, ' ').trimEnd());
const group = fc.integer({ min: 0, max: 65_535 });
export const addresses = fc.array(group, { minLength: 8, maxLength: 8 });
const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
export const keys = fc.array(fc.array(word, { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 2 });
