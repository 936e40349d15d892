import type { CatalogEntry } from '../../operator/sysctl/catalog/types.ts';
import { isSafeSysctl, kubeletNamespace } from '../../operator/sysctl/kubelet-patterns.ts';
import type { Annotation, Measured } from './inputs.ts';

/** Newest minor version of Kubernetes whose safe list is known. */
const NEWEST_MINOR = 60;
const LISTS = new Set(['string', 'bitmap', 'hex', 'ports']);
const FAMILY = /^(net\.ipv[46]\.(?:conf|neigh)\.)(\*|all|default)\.(.+)$/;

const DOCUMENTS: readonly (readonly [prefix: string, document: string])[] = [
  ['vm.', 'Documentation/admin-guide/sysctl/vm.rst'],
  ['fs.mqueue.', 'Documentation/admin-guide/sysctl/fs.rst'],
  ['fs.xfs.', 'Documentation/admin-guide/xfs.rst'],
  ['fs.', 'Documentation/admin-guide/sysctl/fs.rst'],
  ['user.', 'Documentation/admin-guide/sysctl/user.rst'],
  ['kernel.', 'Documentation/admin-guide/sysctl/kernel.rst'],
  ['net.core.', 'Documentation/admin-guide/sysctl/net.rst'],
  ['net.unix.', 'Documentation/admin-guide/sysctl/net.rst'],
  ['net.bridge.', 'Documentation/networking/ip-sysctl.rst'],
  ['net.mptcp.', 'Documentation/networking/mptcp-sysctl.rst'],
  ['net.netfilter.', 'Documentation/networking/nf_conntrack-sysctl.rst'],
  ['net.nf_', 'Documentation/networking/nf_conntrack-sysctl.rst'],
  ['net.ipv4.vs.', 'Documentation/networking/ipvs-sysctl.rst'],
  ['net.ip', 'Documentation/networking/ip-sysctl.rst'],
];

function sourceOf(name: string, annotation: Annotation, measured: Measured, kernel: string): string {
  const document = DOCUMENTS.find(([prefix]) => name.startsWith(prefix))?.[1];
  const how = annotation.known
    ? 'documented, not on the measured kernel'
    : measured.evidence === 'source'
      ? `there on ${kernel}, its behaviour read in the source`
      : `measured on ${kernel}`;
  return [how, annotation.source ?? document].filter(Boolean).join('; ');
}

function podsOf(
  name: string,
  { namespace, presence }: Measured,
  writable: boolean,
  { minKernel, known }: Annotation,
) {
  const minors = name.includes('*') ? [] : Array.from({ length: NEWEST_MINOR }, (_, i) => i + 1);
  const minor = minors.find((m) => isSafeSysctl(name, m));
  // runc writes what the kubelet's table lists and nothing else of it: kernel.shm_next_id and kernel.auto_msgmni are not in that table.
  const settable =
    writable && !known?.removed && (presence === 'own' || (presence === 'shared' && name.startsWith('net.')));
  const listed = kubeletNamespace(name);
  return {
    safeSince: minor === undefined ? null : `1.${minor}`,
    ...(minor !== undefined && { minKernel: minKernel ?? null }),
    allowable: settable && listed !== undefined && (namespace === listed || namespace === 'none'),
  };
}

/** The family's annotation, said of conf.all or conf.default. */
function forComponent(annotation: Annotation, version: string, part: string): Annotation {
  const here = (names: readonly string[]) => names.map((name) => name.replace('.*.', `.${part}.`));
  const all = annotation.all ?? 'This value is kept but changes no interface.';
  const start = `Here: what new interfaces start with${version === '4' ? ', and existing ones that have no address' : ''}.`;
  return {
    ...annotation,
    ...(annotation.does && {
      does: `${annotation.does} ${part === 'all' ? `Here for all interfaces: ${all}` : start}`,
    }),
    ...(annotation.aliases && { aliases: here(annotation.aliases) }),
    ...(annotation.coupled && { coupled: { ...annotation.coupled, names: here(annotation.coupled.names) } }),
  };
}

/** What is said about a key: the family's part with the key's own on top. */
export function annotationOf(name: string, annotations: ReadonlyMap<string, Annotation>): Annotation {
  const own = annotations.get(name) ?? {};
  const [, prefix = '', part = '*', key = ''] = FAMILY.exec(name) ?? [];
  const family = part === '*' ? undefined : annotations.get(`${prefix}*.${key}`);
  return family ? { ...forComponent(family, prefix.slice(8, 9), part), ...own } : own;
}

const sentence = (text: string): string => (/[.)]$/.test(text) ? text : `${text}.`);

/** One entry out of what was measured and what a person says about it. Throws when nobody says what the key does. */
export function compose(
  name: string,
  measured: Measured,
  annotation: Annotation,
  kernel: string,
): CatalogEntry {
  if (annotation.does === undefined) throw new Error(`${name}: nobody says what it does`);
  const type = annotation.type ?? measured.type;
  const own = measured.presence === 'own';
  const writable = /[2367]/.test(measured.mode ?? '644');
  const { arity = type === 'tuple' ? (measured.values ?? null) : LISTS.has(type) ? null : 1 } = annotation;
  const { default: value = measured.default ?? null, range = measured.range } = annotation;
  const { unit, writers, aliases, coupled, rounding, history, module, irreversible, providers } = annotation;
  return {
    name,
    ...(name.includes('*') && { family: true }),
    namespace: measured.namespace,
    writable,
    newNamespace: {
      presence: measured.presence,
      default: own ? value : null,
      from: own ? (measured.from ?? null) : null,
    },
    type,
    arity,
    ...(unit && { unit }),
    ...(range && { range }),
    description: sentence(annotation.does),
    pods: podsOf(name, measured, writable, annotation),
    ...(writers && { writers }),
    ...(aliases && { aliases }),
    ...(coupled && { coupled }),
    ...(rounding && { rounding }),
    ...(history && { history }),
    ...(module && { module }),
    ...(annotation.writeOnce && { writeOnce: true }),
    ...(annotation.trigger && { trigger: true }),
    ...(irreversible && { irreversible }),
    risks: annotation.risks ?? [],
    ...(providers && { providers }),
    source: sourceOf(name, annotation, measured, kernel),
  };
}

/** Every measured key and every documented one, sorted by name. Throws on an annotation of a key that nobody knows. */
export function composeAll(
  { kernel, keys }: { kernel: string; keys: ReadonlyMap<string, Measured> },
  annotations: ReadonlyMap<string, Annotation>,
): CatalogEntry[] {
  const known = new Map(keys);
  for (const [name, { known: place }] of annotations) {
    if (place && keys.has(name)) throw new Error(`${name}: is measured, so what is known of it must go`);
    if (place) known.set(name, place);
    else if (!keys.has(name)) throw new Error(`${name}: is neither measured nor said to be known`);
  }
  const release = kernel.split(',')[0] ?? kernel;
  return [...known]
    .map(([name, measured]) => compose(name, measured, annotationOf(name, annotations), release))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
