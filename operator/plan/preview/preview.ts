import type { RevisionData } from '../../api/revision.ts';
import type { NodeSysctlState } from '../../api/state.ts';
import type { Plan, ProfilePlan } from '../plan.ts';
import { entriesOf, liveNode } from './live.ts';
import { isChange, keyChanges, type KeyChange } from './key-changes.ts';
import { kubeletChange, type KubeletChange, type PodSysctls } from './kubelet-change.ts';
import { risksOf, type Risk } from './risks.ts';

export interface PreviewInput {
  /** As the cluster is. */
  before: Plan;
  /** With the previewed profiles enforced. */
  after: Plan;
  /** Names of the previewed profiles. */
  candidates: readonly string[];
  /** Names of all nodes that were planned. */
  nodes: Iterable<string>;
  states: ReadonlyMap<string, NodeSysctlState>;
  /** Contents of the revisions that exist. */
  revisions: ReadonlyMap<string, RevisionData>;
  /** Running pods that set sysctls, by node; undefined where nobody has looked. */
  pods?: ReadonlyMap<string, readonly PodSysctls[]>;
}

/** Nodes for which everything is the same: what they have, and what would become of it. */
export interface NodeGroup {
  nodes: string[];
  /** An agent has told what the node has. */
  read: boolean;
  /** Something would change. */
  change: boolean;
  keys: KeyChange[];
  kubelet: KubeletChange;
}

/** What would happen, before anything is touched. */
export interface Preview {
  profiles: readonly ProfilePlan[];
  /** All nodes of the cluster that were planned. */
  fleet: number;
  /** Largest first; those that change before those that do not. */
  groups: NodeGroup[];
  risks: Risk[];
  podsRead: boolean;
}

interface NodeCase {
  before: RevisionData;
  after: RevisionData;
  observed: RevisionData | undefined;
  state: NodeSysctlState | undefined;
  patterns: readonly string[];
  pods: readonly PodSysctls[] | undefined;
}

const content = (input: PreviewInput, name: string | undefined): RevisionData | undefined => {
  if (name === undefined) return undefined;
  const { before, after, revisions } = input;
  if (name === before.empty.name) return before.empty.data;
  return revisions.get(name) ?? before.revisions.get(name) ?? after.revisions.get(name);
};

function preview(one: NodeCase, candidates: ReadonlySet<string>): Omit<NodeGroup, 'nodes'> {
  const live = liveNode(one.state, one.observed);
  const [before, after] = [entriesOf(one.before), entriesOf(one.after)];
  const keys = keyChanges({ before, after, live, candidates });
  const kubelet = kubeletChange({ ...one, kubelet: one.state?.status?.kubelet, candidates });
  return { read: live.read, change: keys.some(isChange) || kubelet.restart !== 'no', keys, kubelet };
}

/** The nodes that the previewed profiles are about: they match it, change what it must have, or had a part in what it has. */
function* concerned(input: PreviewInput, names: ReadonlySet<string>): Iterable<string> {
  const { before, after, states } = input;
  const matched = new Set([...names].flatMap((name) => after.profiles.get(name)?.matched ?? []));
  for (const node of input.nodes) {
    const differs = before.wanted.get(node) !== after.wanted.get(node);
    const had = (): boolean =>
      content(input, states.get(node)?.status?.observedRevision)?.profiles.some((p) => names.has(p.name)) ??
      false;
    if (matched.has(node) || differs || had()) yield node;
  }
}

/** Everything that the preview of a node depends on, so that equal nodes are judged once. */
function caseKey(names: readonly (string | undefined)[], one: NodeCase): string {
  const { deviations, originals, kubelet } = one.state?.status ?? {};
  return JSON.stringify([names, deviations, originals, kubelet, one.patterns, one.pods]);
}

/**
 * What would happen on which nodes if the previewed profiles were enforced as they are: the same plan that the manager makes, against what
 * the agents have told. Equal nodes come as one group, so that it stays small however many nodes there are. Pure.
 */
export function previewOf(input: PreviewInput): Preview {
  const { before, after, states, pods } = input;
  const names = new Set(input.candidates);
  const nodes = [...input.nodes];
  const judged = new Map<string, string>();
  const groups = new Map<string, NodeGroup>();
  for (const node of concerned({ ...input, nodes }, names)) {
    const state = states.get(node);
    const [was, will] = [before.wanted.get(node), after.wanted.get(node)];
    const observed = state?.status?.observedRevision;
    const one: NodeCase = {
      before: content(input, was) ?? before.empty.data,
      after: content(input, will) ?? after.empty.data,
      observed: content(input, observed),
      state,
      patterns: after
        .profilesOf(node)
        .flatMap((name) => (names.has(name) ? (after.profiles.get(name)?.patterns ?? []) : [])),
      pods: pods && (pods.get(node) ?? []),
    };
    const key = caseKey([was, will, observed], one);
    let result = judged.get(key);
    if (result === undefined) {
      const made = preview(one, names);
      judged.set(key, (result = JSON.stringify(made)));
      if (!groups.has(result)) groups.set(result, { nodes: [], ...made });
    }
    groups.get(result)?.nodes.push(node);
  }
  const profiles = input.candidates.flatMap((name) => after.profiles.get(name) ?? []);
  return {
    profiles,
    fleet: nodes.length,
    groups: [...groups.values()].toSorted(
      (a, b) => Number(b.change) - Number(a.change) || b.nodes.length - a.nodes.length,
    ),
    risks: risksOf(profiles),
    podsRead: pods !== undefined,
  };
}
