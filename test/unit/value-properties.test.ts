import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  address,
  fastOpenKeys,
  freeText,
  hexMask,
  nameSet,
  rangeList,
  type Format,
} from '../../operator/sysctl/formats.ts';
import { kernelInteger } from '../../operator/sysctl/integers.ts';
import { canonicalValue, checkShape, sameValue, satisfies } from '../../operator/sysctl/values.ts';
import * as arbitraries from './support/value-arbitraries.ts';

const RUNS = 1500;
/** How many cases there were; throws with the smallest one that does not hold. */
const tried = <T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => void): number => {
  let cases = 0;
  fc.assert(
    fc.property(arbitrary, (value) => {
      cases++;
      check(value);
    }),
    { numRuns: RUNS },
  );
  return cases;
};
const holds = <T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => void): void =>
  expect(tried(arbitrary, check)).toBe(RUNS);
const roundTrip =
  <T>(format: Format<T>, arbitrary: fc.Arbitrary<T>) =>
  (): number =>
    tried(arbitrary, (value) => expect(format.parse(format.print(value))).toEqual(value));

describe('what is printed is read as what it was', () => {
  const sortedNames = fc.uniqueArray(arbitraries.names).map((list) => list.toSorted());

  test.each([
    [
      'integers',
      () => tried(arbitraries.kernelIntegers, (value) => expect(kernelInteger(`${value}`)).toBe(value)),
    ],
    ['lists of ranges', roundTrip(rangeList, arbitraries.rangeLists)],
    ['CPU masks', roundTrip(hexMask, arbitraries.masks)],
    ['sets of names', roundTrip(nameSet, sortedNames)],
    ['texts', roundTrip(freeText, arbitraries.texts)],
    ['IPv6 addresses', roundTrip(address, arbitraries.addresses)],
    ['fast open keys', roundTrip(fastOpenKeys, arbitraries.keys)],
  ])('%s', (_, run) => {
    expect(run()).toBe(RUNS);
  });
});

describe('every spelling of a value is the same value', () => {
  const TUPLE = 'kernel.no_such_tuple';

  test('hex, octal, blanks, tabs and line breaks of integers', () =>
    holds(
      fc
        .array(arbitraries.kernelIntegers, { minLength: 1, maxLength: 6 })
        .chain((values) => fc.tuple(fc.constant(values), arbitraries.spelledTuple(values))),
      ([values, text]) => {
        expect(canonicalValue(TUPLE, text)).toBe(values.join(' '));
        expect(sameValue(TUPLE, text, values.join('\t'))).toBe(true);
      },
    ));

  test('order, overlaps and split ranges of ports', () =>
    holds(arbitraries.spelledRanges, ({ kept, text }) => {
      const printed = rangeList.print(kept);
      expect(checkShape('net.ipv4.ip_local_reserved_ports', text)).toBeUndefined();
      expect(sameValue('net.ipv4.ip_local_reserved_ports', text, printed)).toBe(true);
    }));

  test('masks as kernels for any number of CPUs print them', () =>
    holds(fc.tuple(arbitraries.masks, fc.integer({ min: 160, max: 8192 })), ([mask, cpus]) =>
      expect(
        sameValue(
          'net.core.rps_default_mask',
          arbitraries.printedMask(mask, 160),
          arbitraries.printedMask(mask, cpus),
        ),
      ).toBe(true),
    ));

  test('shortened IPv6 addresses', () =>
    holds(arbitraries.addresses, (groups) => {
      const short = new URL(`http://[${groups.map((g) => g.toString(16)).join(':')}]`).hostname.slice(1, -1);
      expect(sameValue('net.ipv6.conf.lo.stable_secret', short, address.print(groups))).toBe(true);
    }));

  test('and another integer is another value', () =>
    holds(fc.uniqueArray(arbitraries.kernelIntegers, { minLength: 2, maxLength: 2 }), ([a, b]) =>
      expect(sameValue(TUPLE, `${a}`, `${b}`)).toBe(false),
    ));
});

describe('the comparison', () => {
  const KEYS = [
    'vm.swappiness',
    'kernel.sem',
    'kernel.hostname',
    'net.ipv4.ping_group_range',
    'net.ipv4.ip_local_reserved_ports',
    'net.core.rps_default_mask',
    'net.ipv4.tcp_allowed_congestion_control',
    'net.ipv6.conf.lo.stable_secret',
    'net.ipv4.tcp_fastopen_key',
    'fs.pipe-max-size',
    'vm.lowmem_reserve_ratio',
  ];
  /** Few letters, so that different texts often mean the same. */
  const value = fc.oneof(
    fc.string({ unit: fc.constantFrom('0', '1', 'x', ' ', '\t', ',', '-', 'a', ':'), maxLength: 8 }),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const key = fc.constantFrom(...KEYS);

  test('is that of one form, which is its own form', () =>
    holds(fc.tuple(key, value), ([name, text]) => {
      const canonical = canonicalValue(name, text);
      expect(canonicalValue(name, canonical)).toBe(canonical);
      expect(
        sameValue(name, text, canonical) && sameValue(name, canonical, text) && sameValue(name, text, text),
      ).toBe(true);
    }));

  test('is symmetric and transitive, where the kernel does not round', () =>
    holds(fc.tuple(key, value, value, value), ([name, a, b, c]) => {
      expect(sameValue(name, a, b)).toBe(sameValue(name, b, a));
      expect(!sameValue(name, a, b) || sameValue(name, a, c) === sameValue(name, b, c)).toBe(true);
    }));

  test('says the same of a value and of its form: what is wrong with it, and whether a bound holds', () =>
    holds(
      fc.tuple(key, value, value, fc.constantFrom('Exact' as const, 'AtLeast' as const, 'AtMost' as const)),
      ([name, a, b, match]) => {
        const [x, y] = [canonicalValue(name, a), canonicalValue(name, b)];
        expect(checkShape(name, x) === undefined).toBe(checkShape(name, a) === undefined);
        expect(satisfies(name, x, y, match)).toBe(satisfies(name, a, b, match));
      },
    ));

  test('orders bounds as numbers', () =>
    holds(fc.tuple(arbitraries.kernelIntegers, arbitraries.kernelIntegers), ([a, b]) => {
      expect(satisfies('vm.x', `${a}`, `${b}`, 'AtLeast')).toBe(a >= b);
      expect(satisfies('vm.x', `${a}`, `${b}`, 'AtMost')).toBe(a <= b);
    }));
});
