import { PROFILE_LABEL_PREFIX } from '../../api/names.ts';
import { lookup } from '../../sysctl/catalog/lookup.ts';
import { isSafeSysctl, kubeletNamespace, patternMatches } from '../../sysctl/kubelet-patterns.ts';
import { onNodes } from './advice.ts';
import { judgeGroup } from './groups.ts';
import { judgeSetting, type Judged } from './judge-setting.ts';
import type { Report } from './report.ts';
import type { AllowedPattern, PodSubject } from './subjects.ts';

const SEEN = {
  absent: "a pod's network does not have",
  readOnly: 'a pod can only read',
  shared: 'every pod of a node shares',
} as const;

/** What becomes of a pod with a sysctl that it cannot have. */
const fate = (name: string): string =>
  kubeletNamespace(name)
    ? 'the kubelet takes it and the runtime fails: the pod stays in ContainerCreating for ever (FailedCreatePodSandBox)'
    : 'the kubelet rejects the pod (SysctlForbidden)';

/** Returns whether the pod can have the key at all. */
function possible({ name, entry, value, setting }: Judged, pod: PodSubject, report: Report): boolean {
  const { source, nameSpan } = setting;
  const key = { key: name };
  const namespace = kubeletNamespace(name);
  if ((pod.hostNetwork && namespace === 'net') || (pod.hostIPC && namespace === 'ipc')) {
    const field = namespace === 'net' ? 'hostNetwork' : 'hostIPC';
    report.add(
      'host-namespace',
      source,
      nameSpan,
      `with ${field} the API server refuses ${name}: it would be the node's; ${onNodes(name, value, ', scope: Node')}`,
      key,
    );
    return false;
  }
  const presence = entry?.newNamespace.presence ?? lookup(name).podPresence;
  if (presence !== 'own') {
    const harm = presence === 'shared' && namespace ? 'it changes the whole node for good' : fate(name);
    report.add(
      'not-namespaced',
      source,
      nameSpan,
      `${name} is what ${SEEN[presence]}: ${harm}; ${onNodes(name, value)}`,
      key,
    );
    return false;
  }
  if (entry && !entry.pods.allowable && entry.writable) {
    report.add(
      'not-for-pods',
      source,
      nameSpan,
      `${name} cannot be set in a pod: ${fate(name)}; leave it out`,
      key,
    );
    return false;
  }
  return true;
}

function allowed(
  { name, entry, setting }: Judged,
  pod: PodSubject,
  patterns: readonly AllowedPattern[],
  report: Report,
): void {
  if (isSafeSysctl(name)) return;
  const { source, nameSpan } = setting;
  const matching = patterns.filter(({ pattern }) => patternMatches(pattern, name));
  if (matching.length === 0) {
    const since = entry?.pods.safeSince ? ` (safe only since Kubernetes ${entry.pods.safeSince})` : '';
    report.add(
      'not-allowed',
      source,
      nameSpan,
      `${name} is unsafe${since}: where the kubelet does not allow it the pod fails (SysctlForbidden), and its controller makes new ones without end; allow it with a SysctlProfile for these nodes: pods: {allowedUnsafeSysctls: [${name}]}`,
      { key: name },
    );
    return;
  }
  const profiles = [...new Set(matching.flatMap(({ profile }) => profile ?? []))];
  const labels = profiles.map((profile) => `${PROFILE_LABEL_PREFIX}${profile}`);
  if (labels.length === 0 || labels.some((label) => Object.hasOwn(pod.nodeSelector, label))) return;
  report.add(
    'node-selector',
    source,
    nameSpan,
    `the scheduler does not know which nodes allow ${name}: add nodeSelector: {${labels[0]}: ready}`,
    { key: name },
  );
}

/** securityContext.sysctls of a pod. `patterns`: what all files together allow. */
export function judgePod(pod: PodSubject, patterns: readonly AllowedPattern[], report: Report): void {
  const seen = new Map<string, Judged>();
  for (const setting of pod.settings) {
    if (setting.value?.integer)
      report.add(
        'yaml-value',
        setting.source,
        setting.value.span,
        `a pod's sysctl takes a text, and the API server refuses a number: write value: "${setting.value.text}"`,
        {
          key: setting.name,
        },
      );
    const judged = judgeSetting(setting, report);
    if (!judged) continue;
    const before = seen.get(judged.name);
    if (before) {
      const { line } = setting.source.position(before.setting.nameSpan[0]);
      report.add(
        'duplicate',
        setting.source,
        setting.nameSpan,
        `${judged.name} is in line ${line} already, and the API server refuses that: keep one`,
        { key: judged.name },
      );
    }
    seen.set(judged.name, judged);
    if (possible(judged, pod, report)) allowed(judged, pod, patterns, report);
  }
  judgeGroup([...seen.values()], report);
}
