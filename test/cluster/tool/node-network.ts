import type { Layout } from './layout.ts';
import { pidOf } from './processes.ts';
import { run, succeeds } from './shell.ts';

/** The number of a node, from which its addresses derive; throws when the name is not node-1 ... node-200. */
export const nodeIndex = (node: string): number => {
  const index = Number(/^node-([1-9]\d*)$/.exec(node)?.[1]);
  if (index >= 1 && index <= 200) return index;
  throw new Error(`"${node}": nodes are named node-1 ... node-200`);
};

const inside = (pid: number, ...command: string[]): Promise<string> =>
  run('nsenter', ['-t', String(pid), '-n', ...command]);

/** A route to the pods of a node, through that node. */
const routeTo = (layout: Layout, index: number): string[] => [
  'ip',
  'route',
  'replace',
  layout.podCidr(index),
  'via',
  layout.nodeIp(index),
];

/** The node's link to the bridge, and the routes between its pods and those of every node that runs. */
export async function connect(layout: Layout, node: string): Promise<void> {
  const pid = pidOf(layout, node);
  if (pid === undefined) throw new Error(`${node} ended while it started; see ${layout.log}/${node}`);
  const index = nodeIndex(node);
  const link = layout.veth(node);
  await succeeds('ip', ['link', 'del', link]);
  await run('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid)]);
  await run('ip', ['link', 'set', link, 'master', layout.bridge, 'up']);
  await inside(pid, 'ip', 'addr', 'add', `${layout.nodeIp(index)}/24`, 'dev', 'eth0');
  await inside(pid, 'ip', 'link', 'set', 'eth0', 'up');
  await inside(pid, 'ip', 'route', 'add', 'default', 'via', layout.apiIp);
  for (const other of layout.nodes()) {
    const otherPid = pidOf(layout, other);
    if (other === node || otherPid === undefined) continue;
    await inside(pid, ...routeTo(layout, nodeIndex(other)));
    await inside(otherPid, ...routeTo(layout, index));
  }
  // For webhooks: the API server reaches pods.
  const [, ...route] = routeTo(layout, index);
  await run('ip', [...route, 'dev', layout.bridge]);
}

export async function disconnect(layout: Layout, node: string): Promise<void> {
  await succeeds('ip', ['link', 'del', layout.veth(node)]);
  await succeeds('ip', ['route', 'del', layout.podCidr(nodeIndex(node))]);
}
