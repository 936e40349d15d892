import type { CatalogEntry } from '../../operator/sysctl/catalog/types.ts';

/** A pattern that the kubelet takes can admit the name (component-helpers/node/util/sysctl/namespace.go cuts patterns at their "*"). */
const ADMITTED = /^(net\.|fs\.mqueue\.|kernel\.(sem|shm|msg))/;

/** Named first, because people ask for them. */
const FAMILIAR = [
  'kernel.shm_next_id',
  'net.core.rmem_max',
  'net.core.netdev_max_backlog',
  'net.ipv4.tcp_mem',
  'net.netfilter.nf_conntrack_max',
  'net.ipv4.neigh.default.gc_thresh3',
  'net.ipv6.neigh.default.gc_thresh3',
];
const familiarity = (name: string): number => FAMILIAR.indexOf(name) + 1 || FAMILIAR.length + 1;

/** Both names of a pair, each pair once. */
const pairs = (entries: readonly CatalogEntry[], other: (entry: CatalogEntry) => string | undefined) =>
  entries.flatMap((entry) => {
    const name = other(entry);
    return name !== undefined && entry.name < name ? [[entry.name, name]] : [];
  });

/** What the advice about a profile needs of the catalog, beside what lookup.ts knows. */
export function advice(entries: readonly CatalogEntry[]) {
  const concrete = entries.filter(({ name }) => !name.includes('*'));
  const byName = new Map(concrete.map((entry) => [entry.name, entry]));
  return {
    /** A new network namespace starts with the node's value; net.ipv4.conf.all and default are known by their first part. */
    copied: concrete
      .filter(
        ({ name, namespace, newNamespace }) =>
          namespace === 'net' && newNamespace.from === 'init' && !name.includes('.conf.'),
      )
      .map(({ name }) => name),
    /** Of such a pair the kernel sets one to 0 when the other is written. */
    exclusive: pairs(concrete, ({ coupled }) =>
      coupled?.rule.startsWith('writing one sets the other to 0') ? coupled.names[0] : undefined,
    ),
    /** Two names of one value in one unit. */
    same: pairs(concrete, ({ aliases: [name = ''] = [], unit }) =>
      byName.get(name)?.unit === unit && !name.endsWith('_ms') ? name : undefined,
    ),
    /** What a pattern can admit and no container runtime sets in a pod. */
    unsettable: concrete
      .filter(
        ({ name, pods, newNamespace }) =>
          ADMITTED.test(name) && !pods.allowable && newNamespace.presence !== 'shared',
      )
      .map(({ name }) => name)
      .toSorted((a, b) => familiarity(a) - familiarity(b)),
  };
}
