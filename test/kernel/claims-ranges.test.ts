import { afterEach, expect, test } from '@jest/globals';
import { allEntries } from '../../operator/sysctl/catalog/index.ts';
import type { CatalogEntry } from '../../operator/sysctl/catalog/types.ts';
import { borrowing } from './support/host-values.ts';
import { Places, type Kind, type Place } from './support/place.ts';
import type { Probe } from './support/prober.ts';
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

/** The numbers just outside. */
function beyond(entry: CatalogEntry): string[] {
  const [min = 0n, max] = rangeOf(entry) ?? [];
  return [`${min - 1n}`, ...(max === undefined ? [] : [`${max + 1n}`])];
}

interface Try {
  name: string;
  before: string;
  value: string;
  said: string;
  live: string;
}

/**
 * Writes each of the values to each key. `putBack`: what was there before is written again at once; not where writes are refused, because
 * even an old value that is written changes keys which are another name of it.
 */
async function tryAll(
  place: Place,
  entries: readonly CatalogEntry[],
  values: (entry: CatalogEntry) => readonly string[],
  putBack: boolean,
): Promise<Try[]> {
  const before = await place.ask(...entries.map(({ name }): Probe => ['get', name]));
  const tries = entries.flatMap((entry, i) =>
    values(entry).map((value) => ({ name: entry.name, value, before: before[i] ?? '' })),
  );
  const said = await place.ask(
    ...tries.flatMap((one): Probe[] => [
      ['put', one.name, `${one.value}\n`],
      ['get', one.name],
      putBack ? ['put', one.name, `${one.before}\n`] : ['get', one.name],
    ]),
  );
  return tries.map((one, i) => ({ ...one, said: said[3 * i] ?? '', live: said[3 * i + 1] ?? '' }));
}

const ends = (entry: CatalogEntry): string[] => (rangeOf(entry) ?? []).map(String);

suite("ranges of the machine's own keys, as the catalog has them", () => {
  const places = new Places();
  afterEach(() => places.close());
  const here = bounded('none').filter(tried);
  // What starts an action holds no value that could be put back, and is never readable.
  const names = here.filter(({ trigger }) => !trigger).map(({ name }) => name);

  test('what is just beyond is refused as a whole and changes nothing', async () => {
    const wrong: string[] = [];
    await borrowing(names, async () => {
      for (const { name, before, value, said, live } of await tryAll(
        await places.host(),
        here,
        beyond,
        false,
      ))
        if (said !== 'EINVAL' || live !== before)
          wrong.push(`${name}=${value}: ${said}, ${before} -> ${live}`);
    });
    expect(wrong).toEqual([]);
    process.stderr.write(`${here.length} ranges of the machine's own keys were tried\n`);
    expect(here.length).toBeGreaterThan(150);
  });

  test('both ends are taken, wherever that harms nobody', async () => {
    const harmless = here.filter((entry) => whyNotTheEnds(entry) === undefined);
    const rounded = new Set(harmless.filter(({ rounding }) => rounding).map(({ name }) => name));
    const wrong: string[] = [];
    await borrowing(
      harmless.map(({ name }) => name),
      async () => {
        for (const { name, value, said, live } of await tryAll(await places.host(), harmless, ends, true))
          if (said !== 'OK' || (!rounded.has(name) && live !== value))
            wrong.push(`${name}=${value}: ${said}, ${live}`);
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
