import { join } from 'node:path';
import { OperatorError } from '../errors.ts';

/** Everything that the environment can say to the agent. */
export interface AgentSettings {
  nodeName: string;
  namespace: string;
  /** The pod that the agent runs in; undefined where it runs in none. */
  podName: string | undefined;
  apiHost: string;
  apiPort: number;
  caFile: string;
  tokenFile: string;
  /** The node's root file system as this process sees it. */
  hostRoot: string;
  /** Where ledger and journals lie: on the node, so that they outlive the pod. */
  stateDir: string;
  procSys: string;
  driftIntervalMs: number;
  logLevel: string;
}

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (value) return value;
  throw new OperatorError(
    'Configuration',
    `${name} is not set: the operator sets it in the agent's DaemonSet`,
  );
}

function seconds(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const value = Number(env[name] || fallback);
  if (Number.isFinite(value) && value >= 1 && value <= 3600) return value;
  throw new OperatorError('Configuration', `${name}=${env[name]}: must be from 1 to 3600 seconds`);
}

/** Reads and checks the agent's environment; throws Configuration naming the variable that is wrong. */
export function agentSettings(env: NodeJS.ProcessEnv): AgentSettings {
  // hostPID and privileged: process 1 is the node's, and its root is reachable without a mount.
  const hostRoot = env['HOST_ROOT'] || '/proc/1/root';
  return {
    nodeName: required(env, 'NODE_NAME'),
    namespace: required(env, 'POD_NAMESPACE'),
    podName: env['POD_NAME'] || undefined,
    apiHost: required(env, 'KUBERNETES_SERVICE_HOST'),
    apiPort: Number(env['KUBERNETES_SERVICE_PORT'] || 443),
    caFile: env['CA_FILE'] || join(ACCOUNT, 'ca.crt'),
    tokenFile: env['TOKEN_FILE'] || join(ACCOUNT, 'token'),
    hostRoot,
    stateDir: env['STATE_DIR'] || join(hostRoot, 'var/lib/sysctl-operator'),
    procSys: env['PROC_SYS'] || '/proc/sys',
    driftIntervalMs: seconds(env, 'DRIFT_INTERVAL_SECONDS', 10) * 1000,
    logLevel: env['LOG_LEVEL'] || 'info',
  };
}
