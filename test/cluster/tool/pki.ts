import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './layout.ts';
import { run } from './shell.ts';

const SERVICE_IP = '10.96.0.1';

/** A certificate of the cluster's CA: NAME.crt and NAME.key in the pki folder. */
export async function certificate(
  layout: Layout,
  name: string,
  subject: string,
  usage: string,
  san = '',
): Promise<void> {
  const cwd = layout.pki;
  if (existsSync(join(cwd, `${name}.crt`))) return;
  const lines = [
    'basicConstraints=CA:FALSE',
    'keyUsage=critical,digitalSignature,keyEncipherment',
    `extendedKeyUsage=${usage}`,
  ];
  writeFileSync(join(cwd, `${name}.ext`), [...lines, ...(san ? [`subjectAltName=${san}`] : [])].join('\n'));
  await run(
    'openssl',
    [
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      subject,
    ],
    { cwd },
  );
  const sign = [
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    '-CA',
    'ca.crt',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '3650',
  ];
  await run('openssl', [...sign, '-extfile', `${name}.ext`, '-out', `${name}.crt.part`], { cwd });
  // Whole or not at all, also after a crash.
  renameSync(join(cwd, `${name}.crt.part`), join(cwd, `${name}.crt`));
}

/** A kubeconfig with a client certificate inside. */
export async function kubeconfig(layout: Layout, file: string, cert: string, server: string): Promise<void> {
  const kubectl = (...args: string[]) =>
    run(join(layout.bin, 'kubectl'), ['config', ...args], { env: { ...process.env, KUBECONFIG: file } });
  await kubectl(
    'set-cluster',
    'k',
    `--server=${server}`,
    `--certificate-authority=${join(layout.pki, 'ca.crt')}`,
    '--embed-certs',
  );
  const pair = [
    `--client-certificate=${join(layout.pki, `${cert}.crt`)}`,
    `--client-key=${join(layout.pki, `${cert}.key`)}`,
  ];
  await kubectl('set-credentials', 'u', ...pair, '--embed-certs');
  await kubectl('set-context', 'c', '--cluster=k', '--user=u');
  await kubectl('use-context', 'c');
}

/** The CA and everything of the control plane; made once per cluster. */
export async function controlPlanePki(layout: Layout): Promise<void> {
  const cwd = layout.pki;
  if (existsSync(join(cwd, '.made'))) return;
  // What was interrupted is begun anew: a certificate of another CA would be refused.
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true, mode: 0o700 });
  const ca = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '3650',
    '-subj',
    '/CN=test-ca',
  ];
  await run(
    'openssl',
    [
      ...ca,
      '-addext',
      'basicConstraints=critical,CA:TRUE',
      '-addext',
      'keyUsage=critical,keyCertSign,cRLSign',
    ],
    { cwd },
  );
  await run('openssl', ['genrsa', '-out', 'sa.key', '2048'], { cwd });
  await run('openssl', ['rsa', '-in', 'sa.key', '-pubout', '-out', 'sa.pub'], { cwd });
  const names = [
    'localhost',
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ];
  const san = [
    ...names.map((n) => `DNS:${n}`),
    ...['127.0.0.1', layout.apiIp, SERVICE_IP].map((ip) => `IP:${ip}`),
  ].join(',');
  await certificate(layout, 'apiserver', '/CN=kube-apiserver', 'serverAuth', san);
  await certificate(
    layout,
    'apiserver-kubelet',
    '/O=system:masters/CN=kube-apiserver-kubelet-client',
    'clientAuth',
  );
  await certificate(layout, 'front-proxy', '/CN=front-proxy-client', 'clientAuth');
  await certificate(layout, 'admin', '/O=system:masters/CN=kubernetes-admin', 'clientAuth');
  await certificate(layout, 'kcm', '/CN=system:kube-controller-manager', 'clientAuth');
  await certificate(layout, 'sched', '/CN=system:kube-scheduler', 'clientAuth');
  await certificate(layout, 'proxy', '/CN=system:kube-proxy', 'clientAuth');
  const local = `https://127.0.0.1:${layout.apiPort}`;
  await kubeconfig(layout, layout.kubeconfig, 'admin', local);
  await kubeconfig(layout, join(cwd, 'kcm.kubeconfig'), 'kcm', local);
  await kubeconfig(layout, join(cwd, 'sched.kubeconfig'), 'sched', local);
  await kubeconfig(
    layout,
    join(cwd, 'proxy.kubeconfig'),
    'proxy',
    `https://${layout.apiIp}:${layout.apiPort}`,
  );
  writeFileSync(join(cwd, '.made'), '');
}
