import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The two Go modules that pin what the cluster is made of. */
export const GO = join(import.meta.dirname, '..', 'go');
export const KUBERNETES = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubelet',
  'kubectl',
];
export const CONTAINERD = ['containerd', 'containerd-shim-runc-v2', 'ctr'];
export const PROGRAMS = [...KUBERNETES, 'etcd', ...CONTAINERD];

const moduleVersion = (folder: string, module: string): string => {
  const pattern = new RegExp(`${module.replaceAll('.', String.raw`\.`)} (v\\S+)`);
  const found = pattern.exec(readFileSync(join(GO, folder, 'go.mod'), 'utf8'));
  if (!found?.[1]) throw new Error(`test/cluster/go/${folder}/go.mod does not name ${module}`);
  return found[1];
};

/** The pinned versions, as in v1.36.3. */
export const versions = () => ({
  kubernetes: moduleVersion('kubernetes', 'k8s.io/kubernetes'),
  etcd: moduleVersion('kubernetes', 'go.etcd.io/etcd/server/v3'),
  containerd: moduleVersion('containerd', 'github.com/containerd/containerd/v2'),
});
