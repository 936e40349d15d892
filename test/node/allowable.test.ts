import { describe, expect } from '@jest/globals';
import { describe as entryOf } from '../../operator/sysctl/catalog/index.ts';
import {
  apply,
  applyProfile,
  eventually,
  kubectl,
  kubectlJson,
  live,
  pod,
  waitReady,
} from './support/cluster.ts';
import { allowed, expected, SAMPLE } from './support/sampled-keys.ts';
import { onCleanNodes, scenario } from './support/scene.ts';

interface Pod {
  metadata: { name: string };
  status: { phase: string; reason?: string };
}
interface Event {
  reason: string;
  message: string;
  involvedObject: { name: string };
}
const REFUSALS = /no such file or directory|permission denied|is not in a separate kernel namespace/;

const podOf = (name: string): string => name.replaceAll(/[._]/g, '-');

/** The value as a program in the pod reads it. */
async function readBack(name: string): Promise<string> {
  const file = `/proc/sys/${name.replaceAll('.', '/')}`;
  return (await kubectl('exec', podOf(name), '--', 'cat', file)).trim().replaceAll(/\s+/g, ' ');
}

/** What the kubelet or the runtime made of every pod so far; "runs" for those that do. */
async function verdicts(): Promise<Map<string, string>> {
  const [{ items: pods }, { items: events }] = await Promise.all([
    kubectlJson<{ items: Pod[] }>('get', 'pods'),
    kubectlJson<{ items: Event[] }>('get', 'events'),
  ]);
  const refused = new Map(
    events
      .filter(({ reason }) => reason === 'FailedCreatePodSandBox' || reason === 'Failed')
      .map(({ involvedObject, message }) => [
        involvedObject.name,
        `the runtime: ${REFUSALS.exec(message)?.[0] ?? message}`,
      ]),
  );
  return new Map(
    pods.flatMap(({ metadata: { name }, status: { phase, reason } }): [string, string][] => {
      if (phase === 'Running') return [[name, 'runs']];
      const verdict = phase === 'Failed' ? (reason ?? phase) : refused.get(name);
      return verdict === undefined ? [] : [[name, verdict]];
    }),
  );
}

describe('what the catalog says of a key in pods', () => {
  onCleanNodes();

  scenario('is what 40 pods on a real kubelet and runtime come to', async () => {
    const node = await kubectlJson<{ status: { nodeInfo: { kubeletVersion: string } } }>(
      'get',
      'node',
      'node-1',
    );
    const minor = Number(node.status.nodeInfo.kubeletVersion.split('.')[1]);
    const lwtunnel = await live('node-1', 'net.netfilter.nf_hooks_lwtunnel');
    const keys = Object.entries({ ...SAMPLE, 'net.netfilter.nf_hooks_lwtunnel': lwtunnel });
    expect(keys).toHaveLength(40);
    expect(new Set(keys.map(([name]) => entryOf(name)?.newNamespace.presence))).toEqual(
      new Set(['own', 'absent', 'readOnly', 'shared']),
    );

    await applyProfile('allowable', { nodeSelector: {}, pods: { allowedUnsafeSysctls: allowed() } });
    await waitReady('allowable');
    const items = keys.map(([name, value]) => pod(podOf(name), 'node-1', { [name]: value }));
    await apply({ apiVersion: 'v1', kind: 'List', items });
    const found = await eventually(verdicts, (all) => all.size === keys.length, 'not every pod is judged');

    const outcomes: Record<string, string> = {};
    for (const [name] of keys) {
      const verdict = found.get(podOf(name)) ?? '';
      outcomes[name] = verdict === 'runs' ? `runs with ${await readBack(name)}` : verdict;
    }
    expect(outcomes).toEqual(
      Object.fromEntries(keys.map(([name, value]) => [name, expected(name, value, minor)])),
    );
  });
});
