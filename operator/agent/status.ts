import { mergeConditions, type Condition } from '../api/conditions.ts';
import type { RevisionData } from '../api/revision.ts';
import type { Deviation, KernelStatus, KubeletStatus, NodeSysctlStateStatus } from '../api/state.ts';
import type { Outcome } from './enforcer.ts';

/** The agent cannot act: what it says instead of a result. */
export interface Stuck {
  reason: 'RevisionMissing' | 'LedgerUnreadable';
  message: string;
}

export interface StatusInput {
  observedRevision: string | undefined;
  data: RevisionData | undefined;
  outcome: Outcome | undefined;
  kubelet: KubeletStatus | undefined;
  kernel?: KernelStatus | undefined;
  /** What the kubelet was not told to allow, because this kernel cannot give it to pods, and the revision does not know. */
  withheld?: readonly Deviation[];
  originals: Record<string, string>;
  stuck: Stuck | undefined;
  bootID: string;
  kernelRelease: string;
  /** metadata.generation of the state. */
  generation: number;
  conditions: readonly Condition[] | undefined;
  /** RFC 3339. */
  now: string;
}

const MAX_DEVIATIONS = 100;
const MAX_MESSAGE = 1024;

/** What the revision leaves out for this kernel. */
export const leftOut = (data: RevisionData | undefined): Deviation[] =>
  (data?.unsupported ?? []).map(({ name, message }) => ({ name, state: 'Unsupported', message }));

/** Names that a kernel need not have. */
export const optionalNames = (data: RevisionData | undefined): Set<string> =>
  new Set(
    [...(data?.sysctls ?? []), ...(data?.unsupported ?? [])].filter((s) => s.optional).map((s) => s.name),
  );

/** Missing keys that are optional are no failure. */
function failures(data: RevisionData | undefined, deviations: readonly Deviation[]): Deviation[] {
  const optional = optionalNames(data);
  return deviations.filter(
    (d) =>
      d.state !== 'Foreign' && d.state !== 'Drifted' && !(d.state === 'Unsupported' && optional.has(d.name)),
  );
}

type Ready = Pick<Condition, 'status' | 'reason' | 'message'>;

const listed = (deviations: readonly Deviation[]): string =>
  deviations
    .slice(0, 3)
    .map((d) => d.message ?? `${d.name}: ${d.state}`)
    .join('; ') + (deviations.length > 3 ? `; and ${deviations.length - 3} more` : '');

const no = (reason: string, message: string): Ready => ({ status: 'False', reason, message });

function ready({ stuck, data, outcome, kubelet }: StatusInput): Ready {
  if (stuck) return no(stuck.reason, stuck.message);
  if (!outcome || !data)
    return { status: 'Unknown', reason: 'Starting', message: 'the agent has not read a revision yet' };
  const failed = failures(data, [...outcome.deviations, ...leftOut(data)]);
  if (failed.length > 0) return no('SysctlFailed', listed(failed));
  const wanted = data.kubelet.allowedUnsafeSysctls.length > 0;
  if (kubelet?.state === 'Failed')
    return no('KubeletFailed', kubelet.message ?? 'the kubelet did not take the list');
  if (kubelet?.state === 'Unsupported' && wanted)
    return no('KubeletUnsupported', kubelet.message ?? 'this kubelet cannot be configured');
  if (kubelet?.state === 'Pending')
    return no('KubeletPending', kubelet.message ?? 'the kubelet is being restarted');
  const drifted = outcome.deviations.filter((d) => d.state === 'Drifted');
  if (drifted.length > 0) return no('Drifted', listed(drifted));
  const { inSync } = outcome.counts;
  if (kubelet?.state === 'Held')
    return {
      status: 'True',
      reason: 'KubeletHeld',
      message: kubelet.message ?? 'entries are kept for running pods',
    };
  return {
    status: 'True',
    reason: 'AllInSync',
    message: `${inSync} ${inSync === 1 ? 'sysctl is' : 'sysctls are'} as wanted`,
  };
}

/** What the agent says of its node. Pure. */
export function nodeStatus(input: StatusInput): NodeSysctlStateStatus {
  const { outcome, observedRevision, kubelet, kernel, originals } = input;
  const forPods = [...leftOut(input.data), ...(input.withheld ?? [])];
  const condition = { type: 'Ready', ...ready(input), observedGeneration: input.generation };
  return {
    ...(observedRevision !== undefined && { observedRevision }),
    bootID: input.bootID,
    kernelRelease: input.kernelRelease,
    ...(kernel && { kernel }),
    ...(outcome && {
      sysctls: { ...outcome.counts, unsupported: outcome.counts.unsupported + forPods.length },
      deviations: [...outcome.deviations, ...forPods]
        .slice(0, MAX_DEVIATIONS)
        .map((d) => ({ ...d, ...(d.message !== undefined && { message: d.message.slice(0, MAX_MESSAGE) }) })),
    }),
    originals,
    ...(kubelet && { kubelet }),
    conditions: mergeConditions(input.conditions, [condition], input.now),
  };
}
