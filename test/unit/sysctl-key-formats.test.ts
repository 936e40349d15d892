import { describe, expect, test } from '@jest/globals';
import { allEntries } from '../../operator/sysctl/catalog/index.ts';
import type { CatalogEntry } from '../../operator/sysctl/catalog/types.ts';
import { formatOf } from '../../operator/sysctl/key-formats.ts';
import { limitsOf } from '../../operator/sysctl/limits.ts';
import { checkShape, sameValue } from '../../operator/sysctl/values.ts';

const INTEGERS = new Set(['int', 'uint', 'bool', 'long', 'ulong', 'tuple']);
const entries = allEntries().filter((entry) => entry.writable);
const nameOf = ({ name }: CatalogEntry): string => name.replace('*', 'eth0/1');

describe('the formats that the agent knows, against the whole catalog', () => {
  test('every writable key that does not hold integers has one, and no other', () => {
    const wrong = entries
      .filter((entry) => (formatOf(nameOf(entry)) === undefined) !== INTEGERS.has(entry.type))
      .map((entry) => `${entry.name} (${entry.type})`);
    expect(wrong).toEqual([]);
    expect(entries.filter((entry) => formatOf(nameOf(entry))).length).toBeGreaterThan(30);
  });

  test('no limit refuses what the catalog says that a kernel takes', () => {
    const narrower = entries.filter(({ name, range }) => {
      const limit = limitsOf(name)?.length === 1 ? limitsOf(name)?.[0] : undefined;
      return limit && range && (Number(limit[0]) > range[0] || Number(limit[1]) < range[1]);
    });
    expect(narrower.map((entry) => entry.name)).toEqual([]);
    expect(entries.filter(({ name, range }) => range && limitsOf(name)).length).toBeGreaterThan(10);
  });

  test('limits and the catalog agree on how many values a key takes', () => {
    const known = entries.filter(({ name, arity }) => arity !== null && limitsOf(name));
    expect(
      known.filter(({ name, arity }) => limitsOf(name)?.length !== arity).map((entry) => entry.name),
    ).toEqual([]);
    expect(known.length).toBeGreaterThan(40);
  });

  test('every default of a fresh namespace may be written, and is itself', () => {
    const texts = entries.flatMap((entry) => {
      const value = entry.newNamespace.default;
      return value === null ? [] : [{ name: nameOf(entry), value }];
    });
    expect(
      texts.filter(
        ({ name, value }) => !sameValue(name, value, value.replaceAll(' ', '\t')) && !formatOf(name),
      ),
    ).toEqual([]);
    // 1 0 stands for nobody, and is written as such.
    expect(texts.filter(({ name, value }) => checkShape(name, value) !== undefined)).toEqual([]);
    expect(texts.length).toBeGreaterThan(300);
  });
});
