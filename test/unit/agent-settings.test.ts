import { describe, expect, test } from '@jest/globals';
import { agentSettings } from '../../operator/agent/settings.ts';

const env = {
  NODE_NAME: 'worker-1',
  POD_NAMESPACE: 'sysctl-operator-system',
  KUBERNETES_SERVICE_HOST: '10.96.0.1',
  KUBERNETES_SERVICE_PORT: '443',
};

describe('settings of the agent', () => {
  test('the DaemonSet says the node, everything else has a default', () => {
    expect(agentSettings(env)).toEqual({
      nodeName: 'worker-1',
      namespace: 'sysctl-operator-system',
      podName: undefined,
      apiHost: '10.96.0.1',
      apiPort: 443,
      caFile: '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
      tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
      hostRoot: '/proc/1/root',
      stateDir: '/proc/1/root/var/lib/sysctl-operator',
      procSys: '/proc/sys',
      driftIntervalMs: 10_000,
      logLevel: 'info',
    });
  });

  test('its pod is known where it runs in one', () => {
    expect(agentSettings({ ...env, POD_NAME: 'agent-x2' }).podName).toBe('agent-x2');
  });

  test('the ledger lies below another host root where one is given', () => {
    expect(agentSettings({ ...env, HOST_ROOT: '/host' }).stateDir).toBe('/host/var/lib/sysctl-operator');
  });

  test.each(['NODE_NAME', 'POD_NAMESPACE', 'KUBERNETES_SERVICE_HOST'])(
    '%s is named when it is missing',
    (name) => {
      expect(() => agentSettings({ ...env, [name]: '' })).toThrow(`${name} is not set`);
    },
  );

  test.each(['0', '0.5', '3601', 'often'])('DRIFT_INTERVAL_SECONDS=%s is refused', (value) => {
    expect(() => agentSettings({ ...env, DRIFT_INTERVAL_SECONDS: value })).toThrow(
      `DRIFT_INTERVAL_SECONDS=${value}: must be from 1 to 3600 seconds`,
    );
  });
});
