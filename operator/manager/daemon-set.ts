import type { V1DaemonSet } from '@kubernetes/client-node';
import { AGENT_DAEMON_SET, AGENT_LABEL } from '../api/names.ts';

export interface DaemonSetOptions {
  namespace: string;
  image: string;
  driftIntervalSeconds: number;
  logLevel: string;
}

const labels = {
  'app.kubernetes.io/name': 'sysctl-operator',
  'app.kubernetes.io/component': 'agent',
  'app.kubernetes.io/managed-by': 'sysctl-operator',
};
const selector = {
  'app.kubernetes.io/name': labels['app.kubernetes.io/name'],
  'app.kubernetes.io/component': labels['app.kubernetes.io/component'],
};

/**
 * How Node runs the agent, which does little and seldom: a small young generation, no optimizing compiler (Maglev is enough), and none of V8's
 * threads: 5 MiB and a third of the processor time less, a third of the wake-ups. Measured: docs/performance.md.
 */
export const AGENT_NODE_FLAGS = ['--max-semi-space-size=1', '--no-opt', '--single-threaded'];
/** As in the Dockerfile's ENTRYPOINT. */
const NODE = '/usr/local/bin/node';
const PROGRAM = '/opt/sysctl-operator/main.cjs';

const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });

/**
 * The agent's DaemonSet. Privileged with the node's network, IPC and PID namespaces: the namespaces of the *writer* decide which
 * values /proc/sys changes, some keys need capabilities, and the kubelet and its unit are reached through
 * process 1. It runs only where the agent label is, on every such node whatever its taints.
 */
export function agentDaemonSet(options: DaemonSetOptions): V1DaemonSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: AGENT_DAEMON_SET, namespace: options.namespace, labels },
    spec: {
      selector: { matchLabels: selector },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: AGENT_DAEMON_SET,
          hostNetwork: true,
          hostIPC: true,
          hostPID: true,
          dnsPolicy: 'Default',
          priorityClassName: 'system-node-critical',
          nodeSelector: { [AGENT_LABEL]: 'true', 'kubernetes.io/os': 'linux' },
          tolerations: [{ operator: 'Exists' }],
          terminationGracePeriodSeconds: 10,
          containers: [
            {
              name: 'agent',
              image: options.image,
              imagePullPolicy: 'IfNotPresent',
              command: [NODE, ...AGENT_NODE_FLAGS, PROGRAM],
              args: ['agent'],
              env: [
                field('NODE_NAME', 'spec.nodeName'),
                field('POD_NAMESPACE', 'metadata.namespace'),
                field('POD_NAME', 'metadata.name'),
                { name: 'DRIFT_INTERVAL_SECONDS', value: String(options.driftIntervalSeconds) },
                { name: 'LOG_LEVEL', value: options.logLevel },
                // One heap for Node's threads, most of which do nothing, instead of one for each (mallopt(3)).
                { name: 'MALLOC_ARENA_MAX', value: '1' },
              ],
              resources: { requests: { cpu: '10m', memory: '48Mi' }, limits: { memory: '128Mi' } },
              securityContext: {
                privileged: true,
                runAsUser: 0,
                runAsNonRoot: false,
                readOnlyRootFilesystem: true,
              },
            },
          ],
        },
      },
    },
  };
}
