import { lookup, KUBELET_OWNED, KUBE_PROXY_OWNED } from '../../sysctl/catalog/lookup.ts';
import { guardOf } from '../../sysctl/guards.ts';
import { isSafeSysctl } from '../../sysctl/kubelet-patterns.ts';
import type { ResolvedProfile } from '../../plan/resolve.ts';
import type { SysctlEntry } from '../../api/profile.ts';
import { kubeletAdvice, reach } from './advice.ts';
import { judgeGroup, judgeNodePorts } from './groups.ts';
import { judgeHarm } from './judge-conf.ts';
import { judgeSetting, type Judged } from './judge-setting.ts';
import type { Report } from './report.ts';
import type { ProfileEntry, ProfileSubject } from './subjects.ts';

type Outcome = ResolvedProfile['outcomes'][number];
type JudgedEntry = Judged & { place: ProfileEntry; written: SysctlEntry };

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
  driftPolicy: unknown,
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

/** The operator leaves the entry out: says so, unless a more telling rule has. */
function refused({ name, place, written }: JudgedEntry, message: string, report: Report): void {
  if (report.hasError(place.source, place.span)) return;
  const rule =
    written.scope === 'Pod' && lookup(name).podPresence !== 'own'
      ? 'not-namespaced'
      : written.match && written.match !== 'Exact'
        ? 'bound-needs-integer'
        : 'bad-value';
  report.add(rule, place.source, place.nameSpan, message, { key: name });
}

function judgeEntry(
  judged: JudgedEntry,
  outcome: Outcome,
  { driftPolicy }: ProfileSubject,
  report: Report,
): void {
  const { place } = judged;
  const problem = 'message' in outcome ? outcome.message : undefined;
  guarded(judged, !problem?.startsWith('guarded'), report);
  if (problem !== undefined) refused(judged, problem, report);
  const lane = 'lane' in outcome ? outcome.lane : undefined;
  if (lane === 'Node') judgeHarm(judged, report);
  if (report.hasError(place.source, place.span)) return;
  if (lane === 'Pod') inPodLane(judged, report);
  else if (lane === 'Node') inNodeLane(judged, driftPolicy, report);
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
  const entries: JudgedEntry[] = [];
  for (const [index, place] of subject.entries.entries()) {
    // An entry that goes to pods sets nothing.
    const judged = judgeSetting(place, report, 'note');
    const outcome = subject.resolved.outcomes[index];
    if (!judged || !outcome) continue;
    const entry = { ...judged, place, written: place.entry };
    judgeEntry(entry, outcome, subject, report);
    entries.push(entry);
  }
  duplicates(entries, report);
  judgeGroup(entries, report);
  judgeNodePorts(
    entries.filter(({ written }) => written.scope === 'Node'),
    report,
  );
}
