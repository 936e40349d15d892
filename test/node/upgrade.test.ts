/** From one image to the next, as a user does it: the Deployment names another image, everything else follows. */
import { afterAll, describe, expect } from '@jest/globals';
import type { NodeSysctlState } from '../../operator/api/state.ts';
import {
  agents,
  applyProfile,
  eventually,
  getState,
  kubeletPid,
  kubectl,
  kubectlJson,
  labelNode,
  live,
  NAMESPACE,
  onNode,
  waitReady,
} from './support/cluster.ts';
import { Sampler } from './support/sampler.ts';
import { onCleanNodes, scenario } from './support/scene.ts';

const IMAGE = 'localhost/sysctl-operator:dev';
const NEXT = 'localhost/sysctl-operator:next';
const NODES = ['node-1', 'node-2'];
const LEDGER = '/var/lib/sysctl-operator/ledger.json';
const VALUES = { 'net.core.somaxconn': '8192', 'net.ipv4.tcp_max_syn_backlog': '4321' };

const tuned = (values: Readonly<Record<string, string>>): Promise<string> =>
  applyProfile('tuned', {
    nodeSelector: { matchLabels: { pool: 'one' } },
    rollout: { maxUnavailable: 2 },
    sysctls: [
      ...Object.entries(values).map(([name, value]) => ({ name, value, scope: 'Node' })),
      { name: 'kernel.msgmax', value: 65536 },
    ],
  });

/** One patch, as `kubectl apply -k` with another tag sends it. */
async function runImage(image: string): Promise<void> {
  const container = { name: 'manager', image, env: [{ name: 'AGENT_IMAGE', value: image }] };
  const patch = { spec: { template: { spec: { containers: [container] } } } };
  const deployment = ['-n', NAMESPACE, 'deployment/sysctl-operator'];
  await kubectl('patch', ...deployment, '-p', JSON.stringify(patch));
  await kubectl('rollout', 'status', ...deployment, '--timeout=100s');
}

const agentImages = async (): Promise<string[]> => {
  const { items } = await kubectlJson<{
    items: {
      metadata: { deletionTimestamp?: string };
      status: { containerStatuses?: { ready: boolean }[] };
      spec: { containers: { image: string }[] };
    }[];
  }>('-n', NAMESPACE, 'get', 'pods', '-l', 'app.kubernetes.io/component=agent');
  return items
    .filter(
      ({ metadata, status }) =>
        !metadata.deletionTimestamp && status.containerStatuses?.every((c) => c.ready),
    )
    .map(({ spec }) => spec.containers[0]?.image ?? '');
};

/** What must not change: of the state all but what the API server counts, the ledger's file, the kubelet's process. */
async function looks(node: string): Promise<unknown> {
  const { metadata, spec, status }: NodeSysctlState = await getState(node);
  const ledger = await onNode(node, 'stat', '-c', '%i %Y', LEDGER);
  const list = await onNode(node, 'sh', '-c', 'stat -c "%n %i %Y" /etc/kubernetes/kubelet.conf.d/*');
  const { uid, generation } = metadata;
  return { uid, generation, spec, status, ledger, list, kubelet: await kubeletPid(node) };
}

describe('an upgrade', () => {
  onCleanNodes();
  afterAll(() => runImage(IMAGE));

  scenario('writes no sysctl, restarts no kubelet, and leaves states and ledgers as they were', async () => {
    for (const node of NODES) {
      await onNode(node, 'ctr', '-n', 'k8s.io', 'images', 'tag', '--force', IMAGE, NEXT);
      await labelNode(node, 'pool=one');
    }
    await tuned(VALUES);
    await waitReady('tuned');
    const before = await Promise.all(NODES.map(looks));
    const old = await agents();
    const samplers = await Promise.all(NODES.map((node) => Sampler.start(node, VALUES)));

    await runImage(NEXT);
    await eventually(
      agentImages,
      (images) => images.length === NODES.length && images.every((image) => image === NEXT),
      'every node has an agent of the new image',
      90_000,
    );
    const next = await agents();
    const seen = await Promise.all(samplers.map((sampler) => sampler.end()));
    expect(seen.map(({ other }) => other)).toEqual([[], []]);
    for (const { count } of seen) expect(count).toBeGreaterThan(1000);
    for (const node of NODES) expect(next.get(node)).not.toBe(old.get(node));
    expect(await Promise.all(NODES.map(looks))).toEqual(before);

    // The new manager leads, and the new agents do what it says.
    await tuned({ ...VALUES, 'net.core.somaxconn': '9999' });
    await waitReady('tuned');
    expect(await Promise.all(NODES.map((node) => live(node, 'net.core.somaxconn')))).toEqual([
      '9999',
      '9999',
    ]);
  });
});
