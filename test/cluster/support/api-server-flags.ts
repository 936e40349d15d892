import { join } from 'node:path';
import type { Identity } from './client.ts';
import type { Pki } from './pki.ts';

/** Every request of a ServiceAccount, without bodies. */
export const AUDIT_POLICY = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts'] }, { level: 'None' }],
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A kubeconfig, as JSON, which is YAML. */
export const kubeconfig = (url: string, ca: string, identity: Identity): string => {
  const user =
    'token' in identity
      ? { token: identity.token }
      : { 'client-certificate-data': base64(identity.cert), 'client-key-data': base64(identity.key) };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'user', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'user' } }],
    'current-context': 'test',
  });
};

export const etcdFlags = (folder: string, client: string, peer: string): string[] => [
  '--name=test',
  `--data-dir=${join(folder, 'etcd')}`,
  '--unsafe-no-fsync',
  '--log-level=warn',
  `--listen-client-urls=${client}`,
  `--advertise-client-urls=${client}`,
  `--listen-peer-urls=${peer}`,
  `--initial-advertise-peer-urls=${peer}`,
  `--initial-cluster=test=${peer}`,
];

export interface ServerFiles {
  folder: string;
  auditPolicy: string;
  auditLog: string;
}

export const apiServerFlags = (pki: Pki, etcd: string, port: number, files: ServerFiles): string[] => [
  `--etcd-servers=${etcd}`,
  '--bind-address=127.0.0.1',
  `--secure-port=${port}`,
  `--cert-dir=${files.folder}`,
  `--tls-cert-file=${pki.server.cert}`,
  `--tls-private-key-file=${pki.server.key}`,
  `--client-ca-file=${pki.ca.cert}`,
  '--authorization-mode=Node,RBAC',
  '--enable-admission-plugins=NodeRestriction',
  '--allow-privileged=true',
  '--service-cluster-ip-range=10.255.0.0/24',
  '--service-account-issuer=https://kubernetes.default.svc',
  `--service-account-key-file=${pki.serviceAccount.pub}`,
  `--service-account-signing-key-file=${pki.serviceAccount.key}`,
  '--endpoint-reconciler-type=none',
  `--audit-policy-file=${files.auditPolicy}`,
  `--audit-log-path=${files.auditLog}`,
];
