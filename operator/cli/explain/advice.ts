import { isRemoved } from '../../sysctl/catalog/index.ts';
import type { CatalogEntry } from '../../sysctl/catalog/types.ts';
import { guardOf, warningOf } from '../../sysctl/guards.ts';
import { checkPattern } from '../../sysctl/kubelet-patterns.ts';

/** YAML that puts a value where it has effect, and above it where that is. */
export interface Snippet {
  title: string;
  lines: string[];
}

const PLACEHOLDER = 'VALUE';

/** Today's default; never a guess at a good value. */
const example = ({ newNamespace: { default: start }, arity }: CatalogEntry): string =>
  start ?? Array.from({ length: arity ?? 1 }, () => PLACEHOLDER).join(' ');

const quoted = (value: string): string => (/^-?\d+$|^VALUE$/.test(value) ? value : `"${value}"`);

/** What to write where, so that the value is where it has effect. The values are placeholders: today's defaults. */
export function snippets(name: string, entry: CatalogEntry): Snippet[] {
  if (!entry.writable || entry.trigger || isRemoved(entry)) return [];
  const value = example(entry);
  const own = entry.newNamespace.presence === 'own';
  const guarded = guardOf(name) === undefined ? [] : [`acknowledgeRisks: [${name}]`];
  const allowed = own && entry.pods.allowable && checkPattern(name) === undefined;
  const forNode: Snippet = {
    title: own
      ? "on the nodes, for the host's own namespace (SysctlProfile)"
      : 'on the nodes (SysctlProfile)',
    lines: [
      'spec:',
      ...guarded.map((line) => `  ${line}`),
      '  sysctls:',
      `    - {name: ${name}, value: ${quoted(value)}${own ? ', scope: Node' : ''}}`,
    ],
  };
  if (!own || !allowed) return [forNode];
  const safe = entry.pods.safeSince !== null;
  const forPod: Snippet = {
    title: safe
      ? 'in a pod'
      : 'in a pod, on nodes that a SysctlProfile allows it on (pods.allowedUnsafeSysctls)',
    lines: ['spec:', '  securityContext:', `    sysctls: [{name: ${name}, value: "${value}"}]`],
  };
  return [forPod, forNode];
}

/** What can go wrong, worst first. */
export function warnings(name: string, entry: CatalogEntry): string[] {
  const guard = guardOf(name);
  const kubeProxy = warningOf(name);
  return [
    ...(guard ? [`refused unless spec.acknowledgeRisks names it: ${guard}`] : []),
    ...(entry.irreversible ? [`cannot be undone: ${entry.irreversible}`] : []),
    ...entry.risks,
    ...(kubeProxy ? [kubeProxy] : []),
  ];
}
