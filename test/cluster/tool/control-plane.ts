import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './layout.ts';
import { controlPlanePki } from './pki.ts';
import { daemon, kill, pidOf } from './processes.ts';
import { run, say, succeeds, until } from './shell.ts';

const PROGRAMS = ['kube-scheduler', 'kube-controller-manager', 'kube-apiserver', 'etcd'];
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

const lastLines = (file: string): string =>
  readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5).join('\n');

/** Waits until a kubectl command succeeds; when one of the programs that it needs ends instead, throws with its last words at once. */
async function succeedsWith(
  layout: Layout,
  programs: readonly string[],
  command: string[],
  ms: number,
): Promise<void> {
  const check = async (): Promise<boolean> => {
    if (await kubectl(layout, ...command)) return true;
    const ended = programs.find((name) => pidOf(layout, name) === undefined);
    if (ended !== undefined)
      throw new Error(`${ended} ended:\n${lastLines(join(layout.log, `${ended}.log`))}`);
    return false;
  };
  await until(check, ms, `${programs.join(' or ')} is not ready after ${ms / 1000} s; see ${layout.log}`);
}

async function bridge(layout: Layout): Promise<void> {
  if (!(await succeeds('ip', ['link', 'show', layout.bridge])))
    await run('ip', ['link', 'add', layout.bridge, 'type', 'bridge']);
  await run('ip', ['addr', 'replace', `${layout.apiIp}/24`, 'dev', layout.bridge]);
  await run('ip', ['link', 'set', layout.bridge, 'up']);
}

/** etcd, kube-apiserver, kube-controller-manager, kube-scheduler and the bridge that the nodes hang on. */
export async function controlPlaneUp(layout: Layout): Promise<void> {
  say('control plane');
  await controlPlanePki(layout);
  await bridge(layout);
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
  await succeedsWith(
    layout,
    ['kube-apiserver', 'kube-controller-manager'],
    ['get', 'serviceaccount', 'default', '-n', 'default'],
    60_000,
  );
}

/** Ends the control plane at once: nothing in it is worth a graceful end. */
export async function controlPlaneDown(layout: Layout): Promise<void> {
  for (const name of PROGRAMS) await kill(layout, name);
  await succeeds('ip', ['link', 'del', layout.bridge]);
}
