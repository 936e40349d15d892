import { API_VERSION } from '../../api/names.ts';
import type { SysctlEntry, SysctlProfile } from '../../api/profile.ts';
import type { RevisionData, RevisionSysctl } from '../../api/revision.ts';
import type { NodeSysctlState } from '../../api/state.ts';
import { describeEntries, liveNode } from '../../plan/preview/live.ts';
import { guardOf } from '../../sysctl/guards.ts';
import { checkPattern } from '../../sysctl/kubelet-patterns.ts';
import { lookup } from '../../sysctl/catalog/lookup.ts';
import { plainValue } from '../sysctl-d-marks.ts';

const HOSTNAME = 'kubernetes.io/hostname';

/** As of a file: profiles, and what they have no place for. */
export interface AdoptedFromNode {
  profiles: SysctlProfile[];
  lost: string[];
}

export interface AdoptedNode {
  name: string;
  labels: Readonly<Record<string, string>>;
  state: NodeSysctlState;
  /** Content of the revision that its agent observed. */
  observed: RevisionData;
}

/** Without scope: Node, a key of which every pod has its own would be for pods. */
function entryOf({ name, value, match, optional }: RevisionSysctl): SysctlEntry {
  return {
    name,
    value: plainValue(value),
    ...(match !== 'Exact' && { match }),
    ...(lookup(name).podPresence === 'own' && { scope: 'Node' as const }),
    ...(optional && { optional }),
  };
}

/** The bound that was not taken, so that what is lost is said: one key has one entry in a profile. */
const second = (name: string, { match, value }: RevisionSysctl): string =>
  `${name}: ${match} ${value}; a profile has one entry for a key, the other bound was kept`;

/**
 * What the operator holds on a node, as a profile for this node. It has what is in sync: a key that is not has no value that
 * somebody would want to keep, and is said. Of what the operator does not hold nobody has read the value. Pure.
 */
export function fromNode(
  { name, labels, state, observed }: AdoptedNode,
  profileName: string,
): AdoptedFromNode {
  const live = liveNode(state, observed);
  const lost: string[] = [];
  const entries: SysctlEntry[] = [];
  const risks: string[] = [];
  for (const [key, [first, ...others]] of live.observed) {
    const { deviation, value } = live.key(key);
    if (deviation || !first) {
      const now = value === undefined ? '' : `, it is ${value}`;
      lost.push(
        `${key}: ${deviation?.state ?? 'not read'}, wanted is ${first ? describeEntries([first]) : '?'}${now}`,
      );
      continue;
    }
    entries.push(entryOf(first));
    for (const other of others) lost.push(second(key, other));
    if (guardOf(key)) risks.push(key);
  }
  const list = state.status?.kubelet?.allowedUnsafeSysctls ?? [];
  const patterns = list.filter((pattern) => checkPattern(pattern) === undefined);
  if (entries.length === 0 && patterns.length === 0) return { profiles: [], lost };
  const spec: SysctlProfile['spec'] = {
    nodeSelector: { matchLabels: { [HOSTNAME]: labels[HOSTNAME] ?? name } },
    mode: 'Plan',
    ...(entries.length > 0 && { sysctls: entries }),
    ...(patterns.length > 0 && { pods: { allowedUnsafeSysctls: patterns } }),
    ...(risks.length > 0 && { acknowledgeRisks: risks }),
  };
  const profile = { apiVersion: API_VERSION, kind: 'SysctlProfile', metadata: { name: profileName }, spec };
  return { profiles: [profile], lost };
}
