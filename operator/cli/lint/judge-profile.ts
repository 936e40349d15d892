import { lookup, KUBELET_OWNED, KUBE_PROXY_OWNED } from '../../sysctl/catalog/lookup.ts';
import { guardOf } from '../../sysctl/guards.ts';
import { isSafeSysctl } from '../../sysctl/kubelet-patterns.ts';
import { resolveProfile } from '../../plan/resolve.ts';
import type { SysctlEntry, SysctlProfile } from '../../api/profile.ts';
import { kubeletAdvice, reach } from './advice.ts';
import { judgeGroup, judgeNodePorts } from './groups.ts';
import { judgeHarm } from './judge-conf.ts';
import { judgeSetting, type Judged } from './judge-setting.ts';
import type { Report } from './report.ts';
import type { ProfileEntry, ProfileSubject } from './subjects.ts';

type JudgedEntry = Judged & { place: ProfileEntry; written: SysctlEntry };

/** What the operator itself makes of one entry: the same code decides in the cluster. */
const resolveAlone = ({ metadata, spec }: SysctlProfile, entry: SysctlEntry) =>
  resolveProfile({
    metadata,
    spec: {
      nodeSelector: {},
      ...(spec.acknowledgeRisks && { acknowledgeRisks: spec.acknowledgeRisks }),
      sysctls: [entry],
    },
  });

function guarded({ name, place, value }: JudgedEntry, acknowledged: boolean, report: Report): void {
  const guard = guardOf(name);
  if (guard === undefined) return;
  if (KUBELET_OWNED.has(name)) {
    const severity = acknowledged ? 'warning' : 'error';
    report.add('kubelet-owned', place.source, place.nameSpan, kubeletAdvice(name, value).message, {
      key: name,
      severity,
    });
  } else if (!acknowledged)
    report.add(
      'acknowledge-risks',
      place.source,
      place.nameSpan,
      `${name}: ${guard}; leave it out, or say acknowledgeRisks: [${name}] in spec when that is what you want`,
      { key: name },
    );
}

function inPodLane({ name, place, written }: JudgedEntry, report: Report): void {
  const key = { key: name };
  if (isSafeSysctl(name))
    report.add(
      'already-safe',
      place.source,
      place.nameSpan,
      `every pod may set ${name} already, and the node's is not changed: leave it out, or say scope: Node`,
      key,
    );
  else
    report.add(
      'pod-sets-it',
      place.source,
      place.nameSpan,
      `this allows pods to set ${name}, it sets nothing: each pod asks for it in securityContext.sysctls (value "${written.value}")${written.scope === 'Pod' ? '' : "; scope: Node would set the node's own"}`,
      key,
    );
}

function inNodeLane(
  { name, entry, place, written }: JudgedEntry,
  driftPolicy: string | undefined,
  report: Report,
): void {
  const key = { key: name };
  const reaches = entry && reach(name, entry);
  if (reaches)
    report.add(reaches.rule, place.source, place.nameSpan, reaches.message, { ...key, severity: 'note' });
  if (KUBE_PROXY_OWNED.has(name)) {
    const severity = driftPolicy === 'Report' ? ('note' as const) : ('warning' as const);
    report.add(
      'kube-proxy-owned',
      place.source,
      place.nameSpan,
      `kube-proxy sets ${name} whenever it starts: give it the same value there (conntrack), or 0${driftPolicy === 'Report' ? '' : ', or use driftPolicy: Report'}`,
      {
        ...key,
        severity,
      },
    );
  }
  if (entry?.module && written.optional !== true)
    report.add(
      'needs-module',
      place.source,
      place.nameSpan,
      `${name} exists only with ${entry.module}: with optional: true a node without it is no failure`,
      key,
    );
}

function judgeEntry(judged: JudgedEntry, { profile }: ProfileSubject, report: Report): void {
  const { name, place, written } = judged;
  const { resolved, problems } = resolveAlone(profile, written);
  guarded(
    judged,
    problems.every(({ message }) => !message.startsWith('guarded')),
    report,
  );
  const [one] = resolved;
  if (one?.lane === 'Node') judgeHarm(judged, report);
  if (one && !report.hasError(place.source, place.span)) {
    if (one.lane === 'Pod') inPodLane(judged, report);
    else inNodeLane(judged, profile.spec.driftPolicy, report);
  }
  for (const { message } of problems) {
    if (report.hasError(place.source, place.span)) return;
    const rule =
      written.scope === 'Pod' && lookup(name).podPresence !== 'own'
        ? 'not-namespaced'
        : written.match && written.match !== 'Exact'
          ? 'bound-needs-integer'
          : 'bad-value';
    report.add(rule, place.source, place.nameSpan, message, { key: name });
  }
}

function duplicates(entries: readonly JudgedEntry[], report: Report): void {
  const seen = new Map<string, JudgedEntry>();
  for (const judged of entries) {
    const identity = `${judged.name} ${judged.written.scope ?? 'Auto'}`;
    const before = seen.get(identity);
    if (before) {
      const { line } = judged.setting.source.position(before.place.nameSpan[0]);
      report.add(
        'duplicate',
        judged.place.source,
        judged.place.nameSpan,
        `${judged.name} is in line ${line} already: keep one`,
        { key: judged.name },
      );
    } else seen.set(identity, judged);
  }
}

/** A SysctlProfile, without a cluster. */
export function judgeProfile(subject: ProfileSubject, report: Report): void {
  const entries = subject.entries.flatMap((place): JudgedEntry[] => {
    // An entry that goes to pods sets nothing.
    const judged = judgeSetting(place, report, 'note');
    const written = subject.profile.spec.sysctls?.[place.index];
    return judged && written
      ? [{ ...judged, place, written: { ...written, value: place.value?.text ?? '' } }]
      : [];
  });
  for (const entry of entries) judgeEntry(entry, subject, report);
  duplicates(entries, report);
  judgeGroup(entries, report);
  judgeNodePorts(
    entries.filter(({ written }) => written.scope === 'Node'),
    report,
  );
}
