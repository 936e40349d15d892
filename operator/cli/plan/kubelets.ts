import type { NodeGroup } from '../../plan/preview/preview.ts';
import type { PlanData } from './data.ts';

const PODS_SHOWN = 5;

const kubelets = (n: number): string => `${n} ${n === 1 ? 'kubelet' : 'kubelets'}`;
const quoted = (list: readonly string[]): string => list.map((entry) => `"${entry}"`).join(', ');

/** What would be done to a list, and on how many nodes: as many lines as there are different things to do. */
function changes(groups: readonly NodeGroup[]): string[] {
  const found = new Map<string, number>();
  for (const { kubelet, nodes } of groups) {
    if (kubelet.restart === 'no') continue;
    const kept = new Set(kubelet.held.map((h) => h.entry));
    const leave = kubelet.leave.filter((entry) => !kept.has(entry));
    const what = [
      ...(kubelet.add.length > 0 ? [`allow ${quoted(kubelet.add)}`] : []),
      ...(leave.length > 0 ? [`no longer allow ${quoted(leave)}`] : []),
    ].join(' and ');
    const how =
      kubelet.restart === 'yes'
        ? `restart, to ${what}`
        : `restart, to ${what}, unless the list, which is not read yet, is right already`;
    found.set(how, (found.get(how) ?? 0) + nodes.length);
  }
  return [...found].map(([how, n]) => `${kubelets(n)} would ${how}`);
}

function held(groups: readonly NodeGroup[]): string[] {
  const found = new Map<string, { pods: string[]; nodes: number }>();
  for (const { kubelet, nodes } of groups)
    for (const { entry, pods } of kubelet.held) {
      const known = found.get(entry) ?? { pods: [], nodes: 0 };
      found.set(entry, { pods: [...known.pods, ...pods], nodes: known.nodes + nodes.length });
    }
  return [...found].map(([entry, { pods, nodes }]) => {
    const more = pods.length > PODS_SHOWN ? ` and ${pods.length - PODS_SHOWN} more` : '';
    return `held on ${nodes} ${nodes === 1 ? 'node' : 'nodes'}: "${entry}" stays allowed as long as ${pods.slice(0, PODS_SHOWN).join(', ')}${more} ${pods.length === 1 ? 'runs' : 'run'}; without it the kubelet would kill ${pods.length === 1 ? 'it' : 'them'} at its restart`;
  });
}

function problems(groups: readonly NodeGroup[]): string[] {
  const found = new Map<string, string[]>();
  for (const { kubelet, nodes } of groups)
    if (kubelet.problem) found.set(kubelet.problem, [...(found.get(kubelet.problem) ?? []), ...nodes]);
  return [...found]
    .slice(0, 5)
    .map(
      ([problem, nodes]) =>
        `cannot be configured (${nodes[0]}${nodes.length > 1 ? ` and ${nodes.length - 1} more` : ''}): ${problem}`,
    );
}

/** Which kubelets would restart and why, and the running pods that keep entries in their lists. Pure. */
export const kubeletLines = ({ groups }: PlanData): string[] => [
  ...changes(groups),
  ...held(groups),
  ...problems(groups),
];
