import { guardOf } from '../../sysctl/guards.ts';
import type { Difference, Measured } from './kernel/compare.ts';
import type { Known } from './find.ts';

/**
 * What `-o json` says of a key: the catalog's entry, with fields that the catalog leaves out where there is nothing to say present and
 * empty, so that a script need not ask whether they are there. With a measurement, the kernel's answer takes the catalog's place.
 */
export function record({ name, entry }: Known, measured?: Measured): Record<string, unknown> {
  const { newNamespace, pods } = entry;
  const said = {
    name,
    family: entry.family ? entry.name : null,
    namespace: entry.namespace,
    writable: entry.writable,
    newNamespace: { presence: newNamespace.presence, default: newNamespace.default, from: newNamespace.from },
    type: entry.type,
    arity: entry.arity,
    unit: entry.unit ?? null,
    range: entry.range ?? null,
    description: entry.description,
    pods: { safeSince: pods.safeSince, minKernel: pods.minKernel ?? null, allowable: pods.allowable },
    writers: entry.writers ?? [],
    aliases: entry.aliases ?? [],
    coupled: entry.coupled ?? null,
    rounding: entry.rounding ?? null,
    history: entry.history ?? null,
    module: entry.module ?? null,
    writeOnce: entry.writeOnce ?? false,
    trigger: entry.trigger ?? false,
    irreversible: entry.irreversible ?? null,
    guarded: guardOf(name) ?? null,
    risks: entry.risks,
    providers: entry.providers ?? {},
    source: entry.source,
  };
  return measured ? { ...said, ...onThisKernel(measured) } : said;
}

function onThisKernel({ release, found, differences }: Measured): Record<string, unknown> {
  const kernel = { release, exists: found !== undefined, value: found?.value ?? null };
  const differs = Object.fromEntries(
    differences.map(({ field, catalog, kernel: here }: Difference) => [field, { catalog, kernel: here }]),
  );
  if (!found) return { kernel, differs };
  const { namespace, writable, newNamespace, arity } = found;
  return { namespace, writable, newNamespace, arity, kernel, differs };
}
