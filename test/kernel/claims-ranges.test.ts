import { afterEach, expect, test } from '@jest/globals';
import { allEntries } from '../../operator/sysctl/catalog/index.ts';
import type { CatalogEntry } from '../../operator/sysctl/catalog/types.ts';
import { borrowing } from './support/host-values.ts';
import { Places, type Kind } from './support/place.ts';
import { rangeOf, READ_IN_THE_SOURCE, whyNotTheEnds } from './support/range-tries.ts';
import { machineHas, suite } from './support/scenario.ts';

const bounded = (where: CatalogEntry['namespace']): CatalogEntry[] =>
  allEntries().filter(
    (entry) =>
      entry.namespace === where &&
      entry.writable &&
      !entry.family &&
      entry.arity === 1 &&
      rangeOf(entry) !== undefined,
  );
const tried = (entry: CatalogEntry): boolean => machineHas(entry.name) && !(entry.name in READ_IN_THE_SOURCE);

/** The two numbers just outside. */
function beyond(entry: CatalogEntry): [string, string] {
  const [min = 0n, max = 0n] = rangeOf(entry) ?? [];
  return [`${min - 1n}`, `${max + 1n}`];
}

suite("ranges of the machine's own keys, as the catalog has them", () => {
  const places = new Places();
  afterEach(() => places.close());
  const here = bounded('none').filter(tried);
  // What starts an action holds no value that could be put back, and is never readable.
  const names = here.filter(({ trigger }) => !trigger).map(({ name }) => name);

  test('what is just beyond is refused as a whole and changes nothing', async () => {
    const wrong: string[] = [];
    await borrowing(names, async () => {
      const place = await places.host();
      for (const entry of here) {
        const before = await place.get(entry.name);
        for (const value of beyond(entry)) {
          const [said, live] = await place.puts(entry.name, value);
          if (said === 'EINVAL' && live === before) continue;
          wrong.push(`${entry.name}=${value}: ${said}, ${before} -> ${live}`);
          await place.put(entry.name, before);
        }
      }
    });
    expect(wrong).toEqual([]);
    process.stderr.write(`${here.length} ranges of the machine's own keys were tried\n`);
    expect(here.length).toBeGreaterThan(150);
  });

  test('both ends are taken, wherever that harms nobody', async () => {
    const harmless = here.filter((entry) => whyNotTheEnds(entry) === undefined);
    const wrong: string[] = [];
    await borrowing(
      harmless.map(({ name }) => name),
      async () => {
        const place = await places.host();
        for (const entry of harmless) {
          const before = await place.get(entry.name);
          for (const end of rangeOf(entry) ?? []) {
            const [said, live] = await place.puts(entry.name, `${end}`);
            if (said !== 'OK' || (!entry.rounding && live !== `${end}`))
              wrong.push(`${entry.name}=${end}: ${said}, ${live}`);
            await place.put(entry.name, before);
          }
        }
      },
    );
    expect(wrong).toEqual([]);
    process.stderr.write(`of ${harmless.length} of them both ends, too\n`);
    expect(harmless.length).toBeGreaterThan(90);
  });

  test('those that are only read in the source are few, and are in the catalog', () => {
    const inCatalog = new Set(allEntries().map(({ name }) => name));
    expect(Object.keys(READ_IN_THE_SOURCE).filter((name) => !inCatalog.has(name))).toEqual([]);
    // A key of this kernel that is not tried must be one that acts, or that cannot be taken back.
    const untried = bounded('none').filter((entry) => machineHas(entry.name) && !tried(entry));
    expect(untried.filter(({ trigger, writeOnce }) => !trigger && !writeOnce)).toEqual([]);
  });

  test.each<[CatalogEntry['namespace'] & Kind]>([['pid'], ['user']])(
    'so for those of a %s namespace',
    async (kind) => {
      const place = await places.fresh(kind);
      const wrong: string[] = [];
      for (const entry of bounded(kind).filter(tried))
        for (const value of beyond(entry)) {
          const [said] = await place.puts(entry.name, value);
          if (said !== 'EINVAL') wrong.push(`${entry.name}=${value}: ${said}`);
        }
      expect(wrong).toEqual([]);
      expect(bounded(kind).length).toBeGreaterThan(1);
    },
  );
});
