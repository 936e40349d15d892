import { join } from 'node:path';
import type { Layout } from './layout.ts';
import { controlPlanePki } from './pki.ts';
import { daemon } from './processes.ts';
import { run, succeeds, until } from './shell.ts';

const SERVICE_CIDR = '10.96.0.0/16';

const kubectl = (layout: Layout, ...args: string[]): Promise<boolean> =>
  succeeds(join(layout.bin, 'kubectl'), args, { env: { ...process.env, KUBECONFIG: layout.kubeconfig } });

function apiServerFlags(layout: Layout): string[] {
  const pki = (name: string) => join(layout.pki, name);
  return [
    `--etcd-servers=http://127.0.0.1:${layout.etcdPort}`,
    '--bind-address=0.0.0.0',
    `--secure-port=${layout.apiPort}`,
    `--advertise-address=${layout.apiIp}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    `--client-ca-file=${pki('ca.crt')}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--service-cluster-ip-range=${SERVICE_CIDR}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${pki('sa.pub')}`,
    `--service-account-signing-key-file=${pki('sa.key')}`,
    `--kubelet-client-certificate=${pki('apiserver-kubelet.crt')}`,
    `--kubelet-client-key=${pki('apiserver-kubelet.key')}`,
    `--kubelet-certificate-authority=${pki('ca.crt')}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--requestheader-client-ca-file=${pki('ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--proxy-client-cert-file=${pki('front-proxy.crt')}`,
    `--proxy-client-key-file=${pki('front-proxy.key')}`,
    '--allow-privileged=true',
    '--endpoint-reconciler-type=lease',
    `--cert-dir=${layout.run}`,
  ];
}

/** etcd, kube-apiserver, kube-controller-manager, kube-scheduler and the bridge that the nodes hang on. */
export async function controlPlaneUp(layout: Layout): Promise<void> {
  await controlPlanePki(layout);
  if (!(await succeeds('ip', ['link', 'show', layout.bridge]))) {
    await run('ip', ['link', 'add', layout.bridge, 'type', 'bridge']);
    await run('ip', ['addr', 'add', `${layout.apiIp}/24`, 'dev', layout.bridge]);
    await run('ip', ['link', 'set', layout.bridge, 'up']);
  }
  const client = `http://127.0.0.1:${layout.etcdPort}`;
  const peer = `http://127.0.0.1:${layout.etcdPort + 1}`;
  // The cluster is thrown away: no fsync.
  daemon(layout, 'etcd', [
    '--name=e',
    `--data-dir=${join(layout.dir, 'etcd')}`,
    '--unsafe-no-fsync',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=e=${peer}`,
    '--log-level=warn',
  ]);
  daemon(layout, 'kube-apiserver', apiServerFlags(layout));
  const logs = join(layout.log, 'kube-apiserver.log');
  await until(
    () => kubectl(layout, 'get', '--raw', '/readyz'),
    90_000,
    `kube-apiserver is not ready; see ${logs}`,
  );
  const pki = (name: string) => join(layout.pki, name);
  const own = (name: string) =>
    ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
      (flag) => `--${flag}=${pki(name)}`,
    );
  daemon(layout, 'kube-controller-manager', [
    ...own('kcm.kubeconfig'),
    '--secure-port=0',
    '--leader-elect=false',
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${pki('sa.key')}`,
    `--root-ca-file=${pki('ca.crt')}`,
    `--cluster-signing-cert-file=${pki('ca.crt')}`,
    `--cluster-signing-key-file=${pki('ca.key')}`,
    '--allocate-node-cidrs=false',
    `--cert-dir=${layout.run}`,
  ]);
  daemon(layout, 'kube-scheduler', [
    ...own('sched.kubeconfig'),
    '--secure-port=0',
    '--leader-elect=false',
    `--cert-dir=${layout.run}`,
  ]);
  const account = () => kubectl(layout, 'get', 'serviceaccount', 'default', '-n', 'default');
  await until(
    account,
    60_000,
    `kube-controller-manager does nothing; see ${join(layout.log, 'kube-controller-manager.log')}`,
  );
}
