import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { expect, test } from '@jest/globals';
import { measureKernel } from '../../operator/cli/explain/kernel/compare.ts';
import { allEntries } from '../../operator/sysctl/catalog/index.ts';
import { suite } from './support/scenario.ts';

/** The kernel that the catalog was measured on; others may have moved a key. */
const SAME_KERNEL = release().startsWith('6.18.');
const MOST_DIFFERENCES = SAME_KERNEL ? 0 : 0.03;

suite('explain --kernel on this machine', () => {
  const names = ['kernel/hostname', 'kernel/domainname', 'vm/memfd_noexec', 'net/core/somaxconn'];
  const here = (): string[] => names.map((name) => readFileSync(`/proc/sys/${name}`, 'utf8'));

  test('finds hundreds of keys, agrees with the catalog, and leaves the machine as it was', async () => {
    const before = here();
    const measured = await measureKernel(allEntries().map((entry) => ({ name: entry.name, entry })));
    const found = [...measured].filter(([, one]) => one.found);
    expect(found.length).toBeGreaterThan(500);
    const differing = found.flatMap(([name, { differences }]) =>
      differences.map(
        ({ field, catalog, kernel }) => `${name} ${field}: ${String(catalog)}, here ${String(kernel)}`,
      ),
    );
    expect(differing.length > found.length * MOST_DIFFERENCES ? differing : []).toEqual([]);
    expect(here()).toEqual(before);
  });
});
