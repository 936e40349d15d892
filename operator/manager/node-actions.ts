import { AGENT_LABEL, PROFILE_LABEL_PREFIX } from '../api/names.ts';
import { conditionOf } from '../api/conditions.ts';
import type { KubeletState, NodeSysctlState } from '../api/state.ts';
import type { Verdict } from './readiness.ts';
import type { CachedNode } from './caches.ts';

/** One write that brings a node nearer to where it must be. */
export type NodeAction =
  | { kind: 'createState'; revision: string; nodeUid: string }
  | { kind: 'setRevision'; from: string; to: string; uid: string; generation: number; observed?: string }
  | { kind: 'setLabels'; labels: Record<string, string | null>; uid: string }
  | { kind: 'deleteState'; uid: string; resourceVersion: string };

export interface NodeActionInput {
  node: CachedNode;
  state: NodeSysctlState | undefined;
  /** Revision that the matching profiles make; undefined when none matches. */
  wanted: string | undefined;
  /** Name of the revision without entries. */
  empty: string;
  /** The rollout lets this node change now. */
  mayStart: boolean;
  /** Profiles that match, with how far the node is. */
  verdicts: ReadonlyMap<string, Verdict>;
}

/** A node belongs to the operator while a profile matches it or anything of the operator is still on it. */
export const isManaged = (
  node: CachedNode,
  state: NodeSysctlState | undefined,
  wanted: string | undefined,
): boolean => wanted !== undefined || state !== undefined || node.labels[AGENT_LABEL] !== undefined;

/** Unsupported: whatever of ours is in a file, this kubelet does not read it. */
const GIVEN_BACK: ReadonlySet<KubeletState> = new Set(['Unmanaged', 'Unsupported']);

/** Everything was put back: the agent observed the empty revision, holds no originals and nothing in the kubelet. */
export function isGivenBack(state: NodeSysctlState, empty: string): boolean {
  const { status } = state;
  return (
    state.spec.revision === empty &&
    status?.observedRevision === empty &&
    conditionOf(status.conditions, 'Ready')?.status === 'True' &&
    Object.keys(status.originals ?? {}).length === 0 &&
    (status.kubelet === undefined || GIVEN_BACK.has(status.kubelet.state))
  );
}

function profileLabels({ node, verdicts }: NodeActionInput): Record<string, string | null> {
  const changes: Record<string, string | null> = {};
  for (const [profile, verdict] of verdicts) {
    const key = PROFILE_LABEL_PREFIX + profile;
    const has = node.labels[key];
    // While a change is under way the label stays as it is: an edit that goes well does not touch the Node.
    if (verdict === 'ready' && has !== 'ready') changes[key] = 'ready';
    else if (verdict === 'failed' && has !== undefined) changes[key] = null;
  }
  for (const key of Object.keys(node.labels))
    if (key.startsWith(PROFILE_LABEL_PREFIX) && !verdicts.has(key.slice(PROFILE_LABEL_PREFIX.length)))
      changes[key] = null;
  return changes;
}

const setLabels = ({ metadata }: CachedNode, labels: Record<string, string | null>): NodeAction => ({
  kind: 'setLabels',
  labels,
  uid: metadata.uid ?? '',
});

const setRevision = ({ metadata, spec, status }: NodeSysctlState, to: string): NodeAction => ({
  kind: 'setRevision',
  from: spec.revision,
  to,
  uid: metadata.uid ?? '',
  generation: metadata.generation ?? 0,
  ...(status?.observedRevision !== undefined && { observed: status.observedRevision }),
});

/**
 * What to write for one node, in this order. Pure. On leaving, the label goes before the state: a label without a state
 * then always means that somebody deleted the state, and it is written again.
 */
export function nodeActions(input: NodeActionInput): NodeAction[] {
  const { node, state, wanted, empty, mayStart } = input;
  if (!isManaged(node, state, wanted)) {
    const leftover = profileLabels(input);
    return Object.keys(leftover).length > 0 ? [setLabels(node, leftover)] : [];
  }
  const target = wanted ?? empty;
  const actions: NodeAction[] = [];
  const labels = profileLabels(input);
  const given = wanted === undefined && state !== undefined && isGivenBack(state, empty);
  if (given && node.labels[AGENT_LABEL] === undefined)
    actions.push({
      kind: 'deleteState',
      uid: state.metadata.uid ?? '',
      resourceVersion: state.metadata.resourceVersion ?? '',
    });
  else if (given) labels[AGENT_LABEL] = null;
  else {
    if (!state && mayStart)
      actions.push({ kind: 'createState', revision: target, nodeUid: node.metadata.uid ?? '' });
    else if (state && state.spec.revision !== target && mayStart) actions.push(setRevision(state, target));
    if (node.labels[AGENT_LABEL] !== 'true' && (state || mayStart)) labels[AGENT_LABEL] = 'true';
  }
  if (Object.keys(labels).length > 0) actions.push(setLabels(node, labels));
  return actions;
}
