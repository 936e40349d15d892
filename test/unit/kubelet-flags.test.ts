import { describe, expect, test } from '@jest/globals';
import { parseFlags } from '../../operator/agent/kubelet/flags.ts';

describe("the kubelet's command line", () => {
  test.each<[string, string[], object]>([
    ['with values after "="', ['--config=/a', '--config-dir=/d'], { config: '/a', configDir: '/d' }],
    ['with values as next argument', ['--config', '/a', '--port', '1'], { config: '/a', port: '1' }],
    ['with a name twice: the last one counts', ['--config=/a', '--config', '/b'], { config: '/b' }],
    ['with underscores', ['--config_dir=/d', '--tls_cert_file=/c'], { configDir: '/d', tlsCertFile: '/c' }],
    ['with "=" in a value', ['--config=/a=b'], { config: '/a=b' }],
    ['with an empty value', ['--allowed-unsafe-sysctls='], { allowedUnsafeSysctls: '' }],
    ['that ends in a name', ['--config'], { config: '' }],
    [
      'with names that only look alike',
      ['--config-file=/x', '--bootstrap-kubeconfig=/y', '--kubeconfig', '/z', '--v=2'],
      {},
    ],
    [
      'with everything that matters',
      [
        '--cert-dir=/p',
        '--address=10.0.0.1',
        '--healthz-bind-address=::1',
        '--healthz-port=0',
        '--allowed-unsafe-sysctls',
        'net.*,kernel.sem',
      ],
      {
        certDir: '/p',
        address: '10.0.0.1',
        healthzBindAddress: '::1',
        healthzPort: '0',
        allowedUnsafeSysctls: 'net.*,kernel.sem',
      },
    ],
  ])('%s', (_, args, flags) => {
    expect(parseFlags(args)).toEqual(flags);
  });
});
