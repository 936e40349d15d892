/** What the kubelet's command line says about its configuration (cmd/kubelet/app/options). */
export interface KubeletFlags {
  config?: string;
  configDir?: string;
  allowedUnsafeSysctls?: string;
  certDir?: string;
  tlsCertFile?: string;
  address?: string;
  port?: string;
  healthzBindAddress?: string;
  healthzPort?: string;
}

const FLAGS: Record<string, keyof KubeletFlags> = {
  config: 'config',
  'config-dir': 'configDir',
  'allowed-unsafe-sysctls': 'allowedUnsafeSysctls',
  'cert-dir': 'certDir',
  'tls-cert-file': 'tlsCertFile',
  address: 'address',
  port: 'port',
  'healthz-bind-address': 'healthzBindAddress',
  'healthz-port': 'healthzPort',
};

/** Flags as pflag takes them: one or two dashes, "=value" or the next argument; the last one of a name counts; underscores are dashes. */
export function parseFlags(args: readonly string[]): KubeletFlags {
  const flags: KubeletFlags = {};
  for (let i = 0; i < args.length; i++) {
    const match = /^--?([a-z][-_a-z0-9]*)(?:=(.*))?$/s.exec(args[i] ?? '');
    const key = match?.[1] && FLAGS[match[1].replaceAll('_', '-')];
    if (key) flags[key] = match[2] ?? args[++i] ?? '';
  }
  return flags;
}
