import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { beforeAll, expect, test } from '@jest/globals';
import { describe as entryOf } from '../../operator/sysctl/catalog/index.ts';
import type { CatalogEntry } from '../../operator/sysctl/catalog/types.ts';
import { countValues, judge, measure, type Measurement } from './support/measure.ts';
import { suite } from './support/scenario.ts';

/** The kernel that the catalog was measured on; others may have moved a key, so that a few differences are no fault of the catalog. */
const SAME_KERNEL = release().startsWith('6.18.');
const MOST_DIFFERENCES = SAME_KERNEL ? 0 : 0.03;
/**
 * Looks like a key of the network namespace from every side. That it is the node's shows only when it is set, and then it cannot be
 * unset before the next boot (net/netfilter/nf_hooks_lwtunnel.c).
 */
const NOT_TO_BE_TOLD = 'net.netfilter.nf_hooks_lwtunnel';
const LISTS = new Set(['string', 'bitmap', 'hex', 'ports']);

const arityOf = (entry: CatalogEntry, printed: number | null): number | null =>
  // Lists can look like one number, and the number of memory zones is the machine's affair.
  LISTS.has(entry.type) || (entry.arity === null && printed !== null && printed > 1) ? entry.arity : printed;

/** Differences beyond what the kernel's version explains. */
const tooMany = (differences: string[], compared: number): string[] =>
  differences.length > compared * MOST_DIFFERENCES ? differences : [];

suite('the catalog and the kernel of this machine', () => {
  let seen: Measurement;
  let known: [name: string, entry: CatalogEntry][];
  const unknown: string[] = [];
  const names = ['kernel/hostname', 'kernel/domainname', 'vm/memfd_noexec'];
  const here = () => names.map((name) => readFileSync(`/proc/sys/${name}`, 'utf8'));
  let before: string[];

  beforeAll(() => {
    before = here();
    seen = measure();
    known = [...seen.host]
      .filter(([, file]) => file.writable)
      .flatMap(([name]): [string, CatalogEntry][] => {
        const entry = entryOf(name);
        if (!entry) unknown.push(name);
        return entry ? [[name, entry]] : [];
      });
    process.stderr.write(
      `${release()}: ${known.length} writable files known, ${unknown.length} unknown: ${unknown.join(' ')}\n`,
    );
  });

  test('meet in hundreds of writable files', () => {
    expect(known.length).toBeGreaterThan(500);
    expect(known.filter(([name]) => name.startsWith('net.')).length).toBeGreaterThan(200);
  });

  test('agree on namespace and presence of every one of them', () => {
    const differences = known
      .filter(([name]) => name !== NOT_TO_BE_TOLD)
      .map(([name, entry]) => {
        const { namespace, presence } = judge(name, seen);
        const said = `${entry.namespace} ${entry.newNamespace.presence}`;
        return said === `${namespace} ${presence}`
          ? ''
          : `${name}: ${said}, measured ${namespace} ${presence}`;
      });
    expect(tooMany(differences.filter(Boolean), known.length)).toEqual([]);
  });

  test('agree on how many values each takes', () => {
    const differences = known.map(([name, entry]) => {
      const printed = countValues(seen.host.get(name)?.value);
      if (printed === undefined || arityOf(entry, printed) === entry.arity) return '';
      return `${name}: ${entry.arity}, measured ${printed}`;
    });
    expect(tooMany(differences.filter(Boolean), known.length)).toEqual([]);
  });

  test('agree on ranges as far as the values of this machine tell', () => {
    const outside = known.flatMap(
      ([name, { type, coupled, range = type === 'bool' ? [0, 1] : undefined }]) => {
        const value = seen.host.get(name)?.value;
        if (!range || !countValues(value)) return [];
        // Of two that are one limit the one that was not written reads 0, which cannot be written (vm.dirty_bytes).
        if (value?.trim() === '0' && coupled?.rule.includes('sets the other to 0')) return [];
        const numbers = value?.trim().split(/\s+/).map(Number) ?? [];
        return numbers.every((number) => number >= range[0] && number <= range[1])
          ? []
          : [`${name}: ${value}`];
      },
    );
    expect(tooMany(outside, known.length)).toEqual([]);
  });

  test('agree on what fresh namespaces start with where the kernel fixes it', () => {
    const fresh = { net: seen.net, ipc: seen.ipc, pid: seen.pid };
    const compared = Object.entries(fresh).flatMap(([namespace, files]) =>
      [...files].flatMap(([name, { value }]) => {
        const entry = name.includes('.lo.') ? undefined : entryOf(name);
        if (entry?.namespace !== namespace || entry.newNamespace.from !== 'hardCoded') return [];
        const { default: start } = entry.newNamespace;
        return start === null || value === undefined
          ? []
          : [{ name, start, value: value.replaceAll('\t', ' ') }];
      }),
    );
    expect(compared.length).toBeGreaterThan(200);
    const differences = compared
      .filter(({ start, value }) => start !== value)
      .map((one) => JSON.stringify(one));
    expect(tooMany(differences, compared.length)).toEqual([]);
  });

  test('have a key that every pod could set for the node, which the catalog knows', () => {
    expect(entryOf(NOT_TO_BE_TOLD)).toMatchObject({
      namespace: 'none',
      newNamespace: { presence: 'shared', default: null, from: null },
      irreversible: expect.any(String),
    });
  });

  test('are left as they were', () => {
    expect(here()).toEqual(before);
  });
});
