export const GROUP = 'sysctl-operator.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** Node label that brings the agent to a node. */
export const AGENT_LABEL = `${GROUP}/agent`;
/** Prefix of the Node labels that say which profiles a node has; the value is "ready". */
export const PROFILE_LABEL_PREFIX = `profile.${GROUP}/`;

export const FIELD_MANAGER = 'sysctl-operator';
export const AGENT_FIELD_MANAGER = 'sysctl-operator-agent';
export const AGENT_DAEMON_SET = 'sysctl-operator-agent';
export const LEASE_NAME = 'sysctl-operator';
/** On our ControllerRevisions: DaemonSets keep their own ones in the same namespace. */
export const REVISION_LABEL = 'sysctl-operator.dev/revision';
/** Events about cluster-scoped objects live here; the API server refuses them elsewhere. */
export const EVENT_NAMESPACE = 'default';

export const paths = {
  profiles: `/apis/${API_VERSION}/sysctlprofiles`,
  states: `/apis/${API_VERSION}/nodesysctlstates`,
  nodes: '/api/v1/nodes',
  events: (namespace: string = EVENT_NAMESPACE) => `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
  revisions: (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/controllerrevisions`,
  daemonSets: (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/daemonsets`,
  leases: (namespace: string) => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
} as const;
