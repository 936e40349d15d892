import { describe, expect, test } from '@jest/globals';
import { managerSettings } from '../../operator/manager/settings.ts';

const env = { POD_NAME: 'manager-1', POD_NAMESPACE: 'sysctl-operator-system', AGENT_IMAGE: 'operator:1' };

describe('settings of the manager', () => {
  test('the Deployment says who it is, everything else has a default', () => {
    expect(managerSettings(env)).toEqual({
      podName: 'manager-1',
      podUid: '',
      namespace: 'sysctl-operator-system',
      agentImage: 'operator:1',
      redis: undefined,
      metricsPort: 8080,
      healthPort: 8081,
      leaderElection: true,
      leaseDurationSeconds: 30,
      concurrency: 16,
      logLevel: 'info',
      agentDriftIntervalSeconds: 10,
    });
  });

  test('an empty variable is one that is not set', () => {
    expect(
      managerSettings({ ...env, REDIS_URL: '', METRICS_PORT: '', LOG_LEVEL: '', CONCURRENCY: '' }),
    ).toEqual(managerSettings(env));
  });

  test.each(['POD_NAME', 'POD_NAMESPACE', 'AGENT_IMAGE'])('%s is named when it is missing', (name) => {
    expect(() => managerSettings({ ...env, [name]: '' })).toThrow(
      expect.objectContaining({
        code: 'Configuration',
        message: expect.stringContaining(`${name} is not set`),
      }),
    );
  });

  test.each([
    ['METRICS_PORT', '65536', '0 to 65535'],
    ['METRICS_PORT', '-1', '0 to 65535'],
    ['HEALTH_PORT', 'http', '0 to 65535'],
    ['HEALTH_PORT', '80.5', '0 to 65535'],
    ['CONCURRENCY', '0', '1 to 256'],
    ['CONCURRENCY', '257', '1 to 256'],
    ['AGENT_DRIFT_INTERVAL_SECONDS', '0', '1 to 3600'],
    ['AGENT_DRIFT_INTERVAL_SECONDS', '10s', '1 to 3600'],
  ])('%s=%s is refused: it must be from %s', (name, value, range) => {
    expect(() => managerSettings({ ...env, [name]: value })).toThrow(
      `${name}=${value}: must be an integer from ${range}`,
    );
  });

  test.each([
    ['METRICS_PORT', '0', { metricsPort: 0 }],
    ['HEALTH_PORT', '65535', { healthPort: 65535 }],
    ['CONCURRENCY', '256', { concurrency: 256 }],
    ['AGENT_DRIFT_INTERVAL_SECONDS', '3600', { agentDriftIntervalSeconds: 3600 }],
    ['LEADER_ELECTION', 'false', { leaderElection: false }],
    [
      'REDIS_URL',
      'rediss://redis:6380',
      {
        redis: {
          target: { kind: 'server', tls: true, address: { host: 'redis', port: 6380 }, db: 0 },
          tls: {},
        },
      },
    ],
    ['LOG_LEVEL', 'debug', { logLevel: 'debug' }],
  ])('%s=%s is taken', (name, value, expected) => {
    expect(managerSettings({ ...env, [name]: value })).toMatchObject(expected);
  });
});
