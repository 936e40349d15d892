import type { CatalogEntry, Namespace, Presence } from '../../operator/sysctl/catalog/types.ts';

/** What Kubernetes' own parts write on a node. Others (TuneD, systemd) are a possibility for every key, so they are not named here. */
const KUBERNETES = /^(kubelet|kube-proxy|CNI plugin)/;

/**
 * The little that planning and the agent need of the catalog. Names that lookup.ts knows by their first part (net., user.,
 * fs.mqueue., neigh.default) are left out.
 */
export function essentials(entries: readonly CatalogEntry[]) {
  const nodes = entries.filter(({ name }) => name.startsWith('net.') && !/\.neigh\.default\./.test(name));
  const of = (presence: Presence) =>
    nodes
      .filter((entry) => entry.namespace === 'none' && entry.newNamespace.presence === presence)
      .map(({ name }) => name);
  const inside = (namespace: Namespace) =>
    entries
      .filter((entry) => entry.namespace === namespace && !entry.name.startsWith('fs.mqueue.'))
      .map(({ name }) => name);
  const tuples = entries.filter(({ writable, arity }) => writable && arity !== null && arity > 1);
  const written = entries.filter(({ name, writers }) => {
    // lookup.ts asks for the family.
    return KUBERNETES.test(writers?.[0] ?? '') && !/\.conf\.(all|default)\./.test(name);
  });
  return {
    node: { absent: of('absent'), readOnly: of('readOnly'), shared: of('shared') },
    ipc: inside('ipc'),
    uts: inside('uts'),
    pid: inside('pid'),
    tuples: Object.fromEntries(tuples.map(({ name, arity }) => [name, arity])),
    writers: Object.fromEntries(written.map(({ name, writers }) => [name, writers])),
  };
}
