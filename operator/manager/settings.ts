import { OperatorError } from '../errors.ts';
import { redisSettings, type RedisSettings } from './redis-settings.ts';

/** Everything that the environment can say to the manager. */
export interface ManagerSettings {
  podName: string;
  /** Empty where the Deployment does not say it; then Events about the pod do not show in its description. */
  podUid: string;
  namespace: string;
  /** Image of the agent's DaemonSet; normally the manager's own. */
  agentImage: string;
  /** undefined: an embedded server on a unix socket. */
  redis: RedisSettings | undefined;
  metricsPort: number;
  healthPort: number;
  leaderElection: boolean;
  /** How long other replicas wait after the last renewal of the Lease that they saw. */
  leaseDurationSeconds: number;
  /** Jobs of one queue that this replica runs at once. */
  concurrency: number;
  logLevel: string;
  agentDriftIntervalSeconds: number;
}

const integer = (
  env: NodeJS.ProcessEnv,
  name: string,
  fallback: number,
  min: number,
  max: number,
): number => {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new OperatorError('Configuration', `${name}=${text}: must be an integer from ${min} to ${max}`);
};

const required = (env: NodeJS.ProcessEnv, name: string): string => {
  const value = env[name];
  if (value) return value;
  throw new OperatorError('Configuration', `${name} is not set: the Deployment in manifests/ sets it`);
};

/** Reads and checks the manager's environment; throws Configuration naming the variable that is wrong. */
export function managerSettings(env: NodeJS.ProcessEnv): ManagerSettings {
  return {
    podName: required(env, 'POD_NAME'),
    podUid: env['POD_UID'] ?? '',
    namespace: required(env, 'POD_NAMESPACE'),
    agentImage: required(env, 'AGENT_IMAGE'),
    redis: redisSettings(env),
    metricsPort: integer(env, 'METRICS_PORT', 8080, 0, 65535),
    healthPort: integer(env, 'HEALTH_PORT', 8081, 0, 65535),
    leaderElection: env['LEADER_ELECTION'] !== 'false',
    leaseDurationSeconds: integer(env, 'LEASE_DURATION_SECONDS', 30, 3, 300),
    concurrency: integer(env, 'CONCURRENCY', 16, 1, 256),
    logLevel: env['LOG_LEVEL'] || 'info',
    agentDriftIntervalSeconds: integer(env, 'AGENT_DRIFT_INTERVAL_SECONDS', 10, 1, 3600),
  };
}
