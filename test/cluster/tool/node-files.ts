import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './layout.ts';
import { certificate, kubeconfig } from './pki.ts';

export interface NodeOptions {
  /** false: the kubelet has no drop-in directory, as kubeadm lays it out by default. */
  configDir?: boolean;
  labels?: Record<string, string>;
}

const unit = (name: string, command: string, extra = ''): string => `[Unit]
DefaultDependencies=no
After=containerd.service
StartLimitIntervalSec=0
[Service]
Environment=PATH=/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin
${extra}
ExecStart=${command}
StandardOutput=append:/var/log/node/${name}.log
StandardError=append:/var/log/node/${name}.log
Restart=always
RestartSec=1
KillMode=process
LimitNOFILE=infinity
`;

const cni = (cidr: string): string =>
  JSON.stringify({
    cniVersion: '1.0.0',
    name: 'k8s',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: { type: 'host-local', ranges: [[{ subnet: cidr }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });

// restrict_oom_score_adj: without CAP_SYS_RESOURCE runc cannot lower it and ends with an EOF.
const CONTAINERD = `version = 3
disabled_plugins = ['io.containerd.nri.v1.nri','io.containerd.snapshotter.v1.erofs','io.containerd.differ.v1.erofs']
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = 'local.test/pause:1'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  BinaryName = '/usr/sbin/runc'
  SystemdCgroup = false
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['/usr/lib/cni']
  conf_dir = '/etc/cni/net.d'
`;

const kubeletConfig = (
  layout: Layout,
  node: string,
  ip: string,
): string => `# The kubelet of ${node}, laid out as kubeadm does.
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: ${ip}
healthzBindAddress: 127.0.0.1
tlsCertFile: /etc/kubernetes/pki/${node}.crt
tlsPrivateKeyFile: /etc/kubernetes/pki/${node}.key
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: /${layout.cgroups(node).pods}
failSwapOn: false
failCgroupV1: false # refused by default since 1.36
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
resolvConf: ""
`;

// kube-proxy in a network namespace of its own cannot write nf_conntrack_max: 0 leaves it alone.
const KUBE_PROXY = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: {kubeconfig: /var/lib/kube-proxy/kubeconfig}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`;

/** Writes the files that make a node's root its own, below nodes/NAME/files. */
export async function writeNodeFiles(
  layout: Layout,
  node: string,
  index: number,
  options: NodeOptions,
): Promise<void> {
  const folder = layout.nodeFolder(node);
  const files = join(folder, 'files');
  const ip = layout.nodeIp(index);
  rmSync(files, { recursive: true, force: true });
  const write = (path: string, content: string): void => {
    const file = join(files, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, content);
  };
  for (const path of ['etc/kubernetes/pki', 'etc/sysctl.d', 'var/lib/kubelet', 'var/lib/kube-proxy'])
    mkdirSync(join(files, path), { recursive: true });
  for (const name of ['containerd', 'root']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'ip'), ip);
  await certificate(
    layout,
    node,
    `/O=system:nodes/CN=system:node:${node}`,
    'clientAuth,serverAuth',
    `DNS:${node},IP:${ip}`,
  );
  await kubeconfig(
    layout,
    join(files, 'etc/kubernetes/kubelet.conf'),
    node,
    `https://${layout.apiIp}:${layout.apiPort}`,
  );
  for (const name of ['ca.crt', `${node}.crt`, `${node}.key`])
    copyFileSync(join(layout.pki, name), join(files, 'etc/kubernetes/pki', name));
  copyFileSync(join(layout.pki, 'proxy.kubeconfig'), join(files, 'var/lib/kube-proxy/kubeconfig'));
  write('etc/cni/net.d/10-k8s.conflist', cni(layout.podCidr(index)));
  write('etc/containerd/config.toml', CONTAINERD);
  write('var/lib/kubelet/config.yaml', kubeletConfig(layout, node, ip));
  write('var/lib/kube-proxy/config.yaml', `${KUBE_PROXY}clusterCIDR: ${layout.podPrefix}.0.0/16\n`);
  // A node is a machine of its own: the kubelet reports its machine-id.
  write('etc/machine-id', `${createHash('md5').update(`${layout.dir} ${node}`).digest('hex')}\n`);
  write('etc/hostname', `${node}\n`);
  const configDir = options.configDir ?? true;
  if (configDir) mkdirSync(join(files, 'etc/kubernetes/kubelet.conf.d'), { recursive: true });
  const labels = Object.entries(options.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const flags = [
    '--config=/var/lib/kubelet/config.yaml',
    ...(configDir ? ['--config-dir=/etc/kubernetes/kubelet.conf.d'] : []),
    '--kubeconfig=/etc/kubernetes/kubelet.conf',
    `--hostname-override=${node}`,
    `--node-ip=${ip}`,
    ...(labels.length > 0 ? [`--node-labels=${labels.join(',')}`] : []),
    '--v=2',
  ];
  const units = 'usr/lib/node-units';
  write(
    `${units}/node.target`,
    '[Unit]\nDefaultDependencies=no\nWants=dbus.socket dbus.service containerd.service kubelet.service kube-proxy.service\n',
  );
  write(
    `${units}/dbus.socket`,
    '[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n',
  );
  const dbus =
    '/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only';
  write(
    `${units}/dbus.service`,
    `[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\nAfter=dbus.socket\n[Service]\nType=notify\nNotifyAccess=main\nExecStart=${dbus}\n`,
  );
  write(`${units}/containerd.service`, unit('containerd', '/opt/bin/containerd', 'Delegate=yes'));
  write(`${units}/kubelet.service`, unit('kubelet', `/opt/bin/kubelet ${flags.join(' ')}`));
  write(
    `${units}/kube-proxy.service`,
    unit(
      'kube-proxy',
      `/opt/bin/kube-proxy --config=/var/lib/kube-proxy/config.yaml --hostname-override=${node}`,
    ),
  );
}
