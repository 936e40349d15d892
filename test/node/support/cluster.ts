import { inspect } from 'node:util';
import { conditionOf, type Condition } from '../../../operator/api/conditions.ts';
import type { SysctlProfile } from '../../../operator/api/profile.ts';
import type { NodeSysctlState } from '../../../operator/api/state.ts';
import { existing } from '../../cluster/tool/cluster.ts';
import { nodeExec } from '../../cluster/tool/node-exec.ts';
import { run, until } from '../../cluster/tool/shell.ts';

export const NAMESPACE = 'sysctl-operator-system';
/** The drop-in of the nodes that have a folder for drop-ins. */
export const DROP_IN = '/etc/kubernetes/kubelet.conf.d/99-sysctl-operator.conf';

/** kubectl as the user of the cluster. */
export const kubectl = (...args: string[]): Promise<string> => run('kubectl', args);
export const kubectlJson = async <T>(...args: string[]): Promise<T> =>
  JSON.parse(await kubectl(...args, '-o', 'json')) as T;

export const apply = (object: unknown): Promise<string> =>
  run('kubectl', ['apply', '-f', '-'], { input: JSON.stringify(object) });

/** Runs a command inside a node; resolves with what it prints. */
export const onNode = async (node: string, ...command: string[]): Promise<string> =>
  (await nodeExec(existing(), node, ...command)).trim();

/** The value in the node's kernel, as a program on the node reads it. */
export const live = (node: string, name: string): Promise<string> => onNode(node, 'sysctl', '-n', name);
export const setByHand = (node: string, name: string, value: string | number): Promise<string> =>
  onNode(node, 'sysctl', '-w', `${name}=${value}`);

export const kubeletPid = (node: string): Promise<string> => onNode(node, 'pgrep', '-x', 'kubelet');
/** Empty when there is no such file. */
export const fileOnNode = (node: string, path: string): Promise<string> =>
  onNode(node, 'sh', '-c', `cat ${path} 2>/dev/null || true`);

/** Creates or changes a profile. */
export const applyProfile = (name: string, spec: Record<string, unknown>): Promise<string> =>
  apply({ apiVersion: 'sysctl-operator.dev/v1alpha1', kind: 'SysctlProfile', metadata: { name }, spec });

export const getProfile = (name: string): Promise<SysctlProfile> => kubectlJson('get', 'sysctlprofile', name);
export const getState = (node: string): Promise<NodeSysctlState> =>
  kubectlJson('get', 'nodesysctlstate', node);

/** What a user does to know that a profile is in force. */
export const waitReady = (name: string, seconds = 60): Promise<string> =>
  kubectl('wait', '--for=condition=Ready', `sysctlprofile/${name}`, `--timeout=${seconds}s`);

/** Resolves with the profile once the check holds for its Ready condition; fails with what it was last. */
export async function waitCondition(
  name: string,
  check: (ready: Condition, profile: SysctlProfile) => boolean,
  ms = 60_000,
): Promise<SysctlProfile> {
  let profile = await getProfile(name);
  const holds = async (): Promise<boolean> => {
    profile = await getProfile(name);
    const ready = conditionOf(profile.status?.conditions, 'Ready');
    return (
      ready !== undefined && ready.observedGeneration === profile.metadata.generation && check(ready, profile)
    );
  };
  await until(holds, ms, `profile ${name} did not come to what was expected`).catch((error: unknown) => {
    throw new Error(`${String(error)}; its status is ${JSON.stringify(profile.status, null, 1)}`);
  });
  return profile;
}

/** Polls until the check holds; a failure says what was found last. */
export async function eventually<T>(
  find: () => Promise<T>,
  check: (found: T) => boolean,
  what: string,
  ms = 60_000,
): Promise<T> {
  let found: T | undefined;
  const holds = async (): Promise<boolean> => {
    found = await find();
    return check(found);
  };
  await until(holds, ms, what).catch((error: unknown) => {
    throw new Error(`${what}; found last: ${inspect(found)}`, { cause: error });
  });
  return found as T;
}

export const names = async (kind: string, ...args: string[]): Promise<string[]> =>
  (await kubectl('get', kind, ...args, '-o', 'name')).trim().split('\n').filter(Boolean);

export const labelNode = (node: string, ...labels: string[]): Promise<string> =>
  kubectl('label', 'node', node, '--overwrite', ...labels);

export const nodeLabels = async (node: string): Promise<Record<string, string>> =>
  (await kubectlJson<{ metadata: { labels: Record<string, string> } }>('get', 'node', node)).metadata.labels;

/** Pods of the agent, by node; those that are ending are gone. */
export async function agents(): Promise<Map<string, string>> {
  const selector = 'app.kubernetes.io/component=agent';
  const { items } = await kubectlJson<{
    items: { metadata: { name: string; deletionTimestamp?: string }; spec: { nodeName: string } }[];
  }>('-n', NAMESPACE, 'get', 'pods', '-l', selector);
  return new Map(
    items
      .filter((pod) => !pod.metadata.deletionTimestamp)
      .map((pod) => [pod.spec.nodeName, pod.metadata.name]),
  );
}

/** A pod that sets sysctls and does nothing. */
export const pod = (name: string, node: string, sysctls: Record<string, string>): unknown => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    nodeName: node,
    terminationGracePeriodSeconds: 0,
    securityContext: { sysctls: Object.entries(sysctls).map(([key, value]) => ({ name: key, value })) },
    containers: [
      {
        name: 'main',
        image: 'local.test/busybox:1',
        imagePullPolicy: 'IfNotPresent',
        command: ['sleep', '2147483647'],
      },
    ],
  },
});

export const podReady = (name: string): Promise<string> =>
  kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
export const deletePod = (name: string): Promise<string> =>
  kubectl('delete', 'pod', name, '--ignore-not-found', '--grace-period=0', '--force');

/** Events about an object, newest last. */
export async function events(
  kind: string,
  name: string,
): Promise<{ reason: string; note: string; type: string }[]> {
  const { items } = await kubectlJson<{
    items: { regarding: { kind: string; name: string }; reason: string; note: string; type: string }[];
  }>('get', 'events.v1.events.k8s.io', '-A');
  return items.filter(({ regarding }) => regarding.kind === kind && regarding.name === name);
}

/** Every node as it was before: no profile, no state, no agent, no label. */
export async function clean(): Promise<void> {
  await kubectl('delete', 'sysctlprofiles', '--all', '--wait=false');
  await kubectl('delete', 'pods', '--all', '--grace-period=0', '--force');
  await eventually(
    () => names('nodesysctlstates'),
    (found) => found.length === 0,
    'NodeSysctlStates are left',
  );
  await eventually(
    () => names('nodes', '-l', 'sysctl-operator.dev/agent'),
    (found) => found.length === 0,
    'nodes still have the agent label',
  );
  // The pod of a node that was deleted goes when the pod garbage collector has twice found no node: up to a minute and a half.
  await eventually(agents, (found) => found.size === 0, 'agents are left', 110_000);
  for (const node of await names('nodes')) await kubectl('label', node, 'workload-', 'pool-');
}

/** What a person would look at after a failure. */
export async function diagnose(): Promise<string> {
  const logs = (selector: string): Promise<string> =>
    kubectl('-n', NAMESPACE, 'logs', '--tail=25', '-l', selector).catch(String);
  const parts = await Promise.all([
    kubectl('get', 'sysctlprofiles,nodesysctlstates', '-o', 'yaml').catch(String),
    kubectl('-n', NAMESPACE, 'get', 'pods', '-o', 'wide').catch(String),
    logs('app.kubernetes.io/component=manager'),
    logs('app.kubernetes.io/component=agent'),
  ]);
  return parts.join('\n--\n');
}
