import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { AGENT_NODE_FLAGS, agentDaemonSet } from '../../operator/manager/daemon-set.ts';
import { agentSettings } from '../../operator/agent/settings.ts';

const daemonSet = agentDaemonSet({
  namespace: 'system',
  image: 'operator:2',
  driftIntervalSeconds: 30,
  logLevel: 'debug',
});
const pod = daemonSet.spec?.template.spec;
const container = pod?.containers[0];

describe("the agent's pod", () => {
  // The writer's namespaces decide whose values /proc/sys changes.
  test.each(['hostNetwork', 'hostIPC', 'hostPID'] as const)('has the %s of its node', (namespace) => {
    expect(pod?.[namespace]).toBe(true);
  });

  test('may write every sysctl and nothing of its own image', () => {
    expect(container?.securityContext).toMatchObject({
      privileged: true,
      runAsUser: 0,
      readOnlyRootFilesystem: true,
    });
  });

  test('runs where the label is, whatever the taints, and is not evicted before the work of others', () => {
    expect(pod?.nodeSelector).toMatchObject({ 'sysctl-operator.dev/agent': 'true' });
    expect(pod?.tolerations).toEqual([{ operator: 'Exists' }]);
    expect(pod?.priorityClassName).toBe('system-node-critical');
  });

  test('is the one that its DaemonSet selects', () => {
    expect(daemonSet.spec?.template.metadata?.labels).toMatchObject(
      daemonSet.spec?.selector.matchLabels ?? { missing: 'selector' },
    );
  });

  test('runs the program of the image, by the same Node', () => {
    const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
    const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '') as string[];
    expect(container?.command?.filter((part) => !AGENT_NODE_FLAGS.includes(part))).toEqual(entry);
    expect(container?.args).toEqual(['agent']);
    const { status } = spawnSync(process.execPath, [...AGENT_NODE_FLAGS, '-e', '0']);
    expect(status).toBe(0);
  });

  test('is told everything that the agent asks of its environment', () => {
    const env = Object.fromEntries((container?.env ?? []).map((e) => [e.name, e.value ?? `of the pod`]));
    const kubernetes = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
    expect(container?.image).toBe('operator:2');
    expect(agentSettings({ ...env, ...kubernetes })).toMatchObject({
      nodeName: 'of the pod',
      namespace: 'of the pod',
      driftIntervalMs: 30_000,
      logLevel: 'debug',
    });
  });
});
