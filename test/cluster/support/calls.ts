import type { Answer, Call } from './client.ts';
import { NAMESPACE } from './service-accounts.ts';

export const STATES = '/apis/sysctl-operator.dev/v1alpha1/nodesysctlstates';
export const APPS = `/apis/apps/v1/namespaces/${NAMESPACE}`;
export const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;
export const EVENTS = '/apis/events.k8s.io/v1/namespaces/default/events';

export const patch = (path: string, body: unknown): Call => ({
  method: 'PATCH',
  path,
  body,
  contentType: 'application/merge-patch+json',
});
export const post = (path: string, body: object): Call => ({ method: 'POST', path, body });
export const patchNode = (body: unknown): Call => patch('/api/v1/nodes/node-1', body);
export const label = (labels: Record<string, string | null>): Call => patchNode({ metadata: { labels } });

export const object = (apiVersion: string, kind: string, name: string, rest: object = {}): object => ({
  apiVersion,
  kind,
  metadata: { name },
  ...rest,
});
export const daemonSet = (name: string): object =>
  object('apps/v1', 'DaemonSet', name, {
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'none' }] } },
    },
  });
export const lease = object('coordination.k8s.io/v1', 'Lease', 'sysctl-operator', {
  spec: { holderIdentity: 'a' },
});
export const event = (name: string): object =>
  object('events.k8s.io/v1', 'Event', name, {
    eventTime: '2026-01-01T00:00:00.000000Z',
    action: 'Reconcile',
    reason: 'Ready',
    type: 'Normal',
    reportingController: 'sysctl-operator',
    reportingInstance: 'a',
    regarding: { apiVersion: 'sysctl-operator.dev/v1alpha1', kind: 'SysctlProfile', name: 'search' },
  });
export const state = (name: string): object =>
  object('sysctl-operator.dev/v1alpha1', 'NodeSysctlState', name, { spec: { revision: 'r1' } });

/** How a call went, in two words: who refused it when it was refused; the server's words for everything unexpected. */
export function verdict({ status, message }: Answer): string {
  if (status === 200 || status === 201) return 'allowed';
  if (status === 403 && /cannot \w+ resource/.test(message)) return 'no right';
  if (status === 403 && message.includes('ValidatingAdmissionPolicy')) return 'against policy';
  return `${status} ${message}`;
}
