import { entriesWhere, suggest } from '../../sysctl/catalog/index.ts';
import type { CatalogEntry } from '../../sysctl/catalog/types.ts';
import {
  checkPattern,
  isSafeSysctl,
  normalizePattern,
  patternMatches,
} from '../../sysctl/kubelet-patterns.ts';
import { count, listed } from '../text.ts';
import type { Report } from './report.ts';
import type { AllowedPattern } from './subjects.ts';

const NAMED = 3;

const settable = ({ pods, newNamespace }: CatalogEntry): boolean =>
  pods.allowable && newNamespace.presence === 'own';
/** The kubelet takes it for a pod's, and it is the node's. */
const leaks = ({ name, namespace, newNamespace }: CatalogEntry): boolean =>
  name.startsWith('net.') && namespace === 'none' && newNamespace.presence === 'shared';

function reach(
  { source, pattern, span }: AllowedPattern,
  entries: readonly CatalogEntry[],
  report: Report,
): void {
  const key = { key: pattern };
  const star = pattern.endsWith('*');
  const leaking = entries.filter(leaks).map(({ name }) => name);
  const failing = entries.filter((entry) => !settable(entry) && !leaks(entry)).map(({ name }) => name);
  const examples = `${listed(failing.slice(0, NAMED))}${failing.length > NAMED ? ' ...' : ''}`;
  const narrow = star
    ? 'name what the pods need, such as net.core.somaxconn or net.ipv4.tcp_*'
    : 'leave it out';
  if (leaking.length > 0)
    report.add(
      'wide-pattern',
      source,
      span,
      `${pattern} lets any pod set ${listed(leaking)}, which is the whole node's and cannot be undone before its next boot${failing.length > 0 ? `, and admits ${count(failing.length, 'key')} that no pod can set (${examples})` : ''}: ${narrow}`,
      key,
    );
  else if (entries.length > 0 && failing.length === entries.length)
    report.add(
      'wide-pattern',
      source,
      span,
      `${pattern} allows only what no pod can set (${examples}): such a pod stays in ContainerCreating for ever; set it on the nodes, and leave it out here`,
      {
        ...key,
        severity: 'warning',
      },
    );
}

/** One entry of allowedUnsafeSysctls. */
export function judgePattern(allowed: AllowedPattern, report: Report): void {
  const { source, pattern, span } = allowed;
  const key = { key: pattern };
  const problem = checkPattern(pattern);
  if (problem) {
    report.add('bad-pattern', source, span, `${problem}; the kubelet does not start with it`, key);
    return;
  }
  const entries = entriesWhere((name) => patternMatches(pattern, name));
  const normal = normalizePattern(pattern);
  if (pattern.endsWith('*')) {
    if (entries.length === 0)
      report.add('unknown-key', source, span, `no known sysctl matches ${pattern}`, {
        ...key,
        severity: 'warning',
      });
  } else if (isSafeSysctl(normal))
    report.add('already-safe', source, span, `every pod may set ${normal} already: leave it out`, key);
  else if (entries.length === 0 && !/^net\.ipv[46]\.(conf|neigh)\./.test(normal)) {
    const near = suggest(normal);
    const hint = near.length > 0 ? `; did you mean ${near.slice(0, 3).join(' or ')}?` : '';
    report.add(
      'unknown-key',
      source,
      span,
      `${normal} is not known${hint}`,
      near.length > 0 ? key : { ...key, severity: 'warning' },
    );
  }
  reach(allowed, entries, report);
}
