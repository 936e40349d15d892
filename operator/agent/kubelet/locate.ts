import { posix } from 'node:path';
import { messageOf } from '../../errors.ts';
import { KEY, merge, parseConfig, type ConfigFile, type KubeletConfig } from './config.ts';
import type { EndpointOptions } from './endpoint.ts';
import type { KubeletFlags } from './flags.ts';
import type { HostFiles } from './host-files.ts';
import { findProcesses, type KubeletProcess } from './process.ts';
import type { ServiceManager } from './systemd.ts';

const NAMES = ['99-sysctl-operator.conf', 'zz-sysctl-operator.conf'];
const DEFAULT_CERT_DIR = '/var/lib/kubelet/pki';

/** The node's kubelet and where its list can be written. */
export interface FoundKubelet {
  process: KubeletProcess;
  unit: string;
  kind: 'dropIn' | 'main';
  /** The file that holds our part. */
  path: string;
  /** Every file of its configuration in the kubelet's order, without our drop-in. */
  files: ConfigFile[];
  /** Paths whose change means that the configuration has changed. */
  watched: string[];
  endpoint: EndpointOptions;
}

/** Why there is nothing to work with: this kubelet never can be configured by us, or it is not there at the moment. */
export interface NotFound {
  state: 'Unsupported' | 'Pending';
  /** The live list, where it is known all the same. */
  allowedUnsafeSysctls?: string[];
  message: string;
}

export interface LocateOptions {
  proc: string;
  host: HostFiles;
  services: ServiceManager;
  tokenFile: string;
  knownPod?: string;
}

const BY_HAND: Record<string, string> = {
  k3s: 'set kubelet-arg: ["allowed-unsafe-sysctls=NAME,NAME"] in /etc/rancher/k3s/config.yaml and restart k3s',
  MicroK8s:
    'add --allowed-unsafe-sysctls=NAME,NAME to /var/snap/microk8s/current/args/kubelet and restart MicroK8s',
};

/** A list on the command line beats every file, so it is the live one. */
function unsupported(message: string, flags?: KubeletFlags): NotFound {
  const list = flags?.allowedUnsafeSysctls?.split(',').filter(Boolean);
  return { state: 'Unsupported', message, ...(list && { allowedUnsafeSysctls: list }) };
}

function childOf(unit: string): string {
  const rke2 =
    'set kubelet-arg: ["allowed-unsafe-sysctls=NAME,NAME"] in /etc/rancher/rke2/config.yaml and restart it';
  const k0s = 'set --kubelet-extra-args="--allowed-unsafe-sysctls=NAME,NAME" and restart it';
  const hint = unit.startsWith('rke2')
    ? rke2
    : unit.startsWith('k0s')
      ? k0s
      : 'set allowedUnsafeSysctls where it configures the kubelet';
  return `the kubelet is a child of ${unit} and cannot be restarted alone: ${hint}`;
}

/** The one kubelet of this node with its unit, or why there is none to work with. */
async function locateProcess({
  proc,
  services,
}: LocateOptions): Promise<{ process: KubeletProcess; unit: string } | NotFound> {
  const { kubelets, allInOne } = findProcesses(proc);
  const [kubelet, second] = kubelets;
  const [distribution] = allInOne;
  if (!kubelet && distribution !== undefined)
    return unsupported(`${distribution} runs the kubelet inside its own program: ${BY_HAND[distribution]}`);
  if (!kubelet)
    return { state: 'Pending', message: 'no kubelet is running on this node; nothing was changed' };
  if (second)
    return unsupported(
      `more than one kubelet is running on this node (processes ${kubelet.pid} and ${second.pid})`,
    );
  if (!kubelet.onNode)
    return unsupported(
      'the kubelet runs in a container of its own: set allowedUnsafeSysctls where the operating system configures it',
    );
  const { unit, flags } = kubelet;
  if (unit === undefined)
    return unsupported(
      'the kubelet was not started by systemd: set allowedUnsafeSysctls in its configuration by hand',
    );
  const state = await services.show(unit);
  if (!state)
    return unsupported(
      `systemd does not answer for ${unit}: set allowedUnsafeSysctls in the kubelet's configuration by hand`,
    );
  if (state.mainPid !== 0 && state.mainPid !== kubelet.pid) return unsupported(childOf(unit), flags);
  if (flags.allowedUnsafeSysctls !== undefined)
    return unsupported(
      'the kubelet has --allowed-unsafe-sysctls on its command line, which beats every file: add the names there, or move the list to its configuration file',
      flags,
    );
  if (!flags.config)
    return unsupported(
      'the kubelet was started without --config: there is no file to write allowedUnsafeSysctls to',
    );
  return { process: kubelet, unit };
}

/** Component by component: how filepath.WalkDir orders paths. */
function comparePaths(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (let i = 0; i < Math.min(left.length, right.length); i++)
    if (left[i] !== right[i]) return (left[i] ?? '') < (right[i] ?? '') ? -1 : 1;
  return left.length - right.length;
}

function read(host: HostFiles, path: string): ConfigFile {
  const file = host.read(path);
  if (!file) throw new Error(`${path} does not exist`);
  return { path, text: file.text };
}

/** Our drop-in sorts after every file that has the list; undefined where it cannot. */
function dropInPath(folder: string, others: readonly ConfigFile[]): string | undefined {
  const rivals = others.filter((file) => KEY in parseConfig(file));
  return NAMES.map((name) => posix.join(folder, name)).find((path) =>
    rivals.every((rival) => comparePaths(rival.path, path) < 0),
  );
}

const anyToLocal = (address: string): string =>
  address === '0.0.0.0' || address === '::' || address === '' ? '127.0.0.1' : address;

function endpointOf(
  config: KubeletConfig,
  flags: KubeletFlags,
  { host, tokenFile, knownPod }: LocateOptions,
): EndpointOptions {
  const healthPort = Number(flags.healthzPort ?? config.healthzPort ?? 10_248);
  const certDir = flags.certDir ?? DEFAULT_CERT_DIR;
  const certificates = [
    flags.tlsCertFile ?? config.tlsCertFile,
    posix.join(certDir, 'kubelet-server-current.pem'),
    posix.join(certDir, 'kubelet.crt'),
  ];
  const certificate = certificates.find((path) => path && host.read(path));
  return {
    host: anyToLocal(flags.address ?? config.address ?? ''),
    port: Number(flags.port ?? config.port ?? 10_250),
    certificate: host.locate(certificate ?? posix.join(certDir, 'kubelet.crt')),
    tokenFile,
    ...(knownPod !== undefined && { knownPod }),
    health:
      healthPort > 0
        ? { host: anyToLocal(flags.healthzBindAddress ?? config.healthzBindAddress ?? ''), port: healthPort }
        : undefined,
  };
}

/**
 * Finds the running kubelet, what its configuration is made of, and where our part of it goes: the last of the drop-ins where it
 * was started with --config-dir, else its main file (cmd/kubelet/app/server.go, mergeKubeletConfigurations).
 */
export async function locate(options: LocateOptions): Promise<FoundKubelet | NotFound> {
  const found = await locateProcess(options);
  if ('state' in found) return found;
  const { process, unit } = found;
  const { flags, cwd } = process;
  const { host } = options;
  try {
    const main = read(host, posix.resolve(cwd, flags.config ?? ''));
    const folder = flags.configDir ? posix.resolve(cwd, flags.configDir) : undefined;
    const paths = folder === undefined ? [] : host.walk(folder).filter((path) => path.endsWith('.conf'));
    const isOurs = (path: string): boolean => NAMES.some((name) => path === posix.join(folder ?? '', name));
    const others = paths.filter((path) => !isOurs(path)).map((path) => read(host, path));
    const path = folder === undefined ? main.path : dropInPath(folder, others);
    if (path === undefined)
      return unsupported(
        `a drop-in in ${folder} that sorts after ${NAMES.at(-1)} has ${KEY} too and would replace ours: rename it`,
      );
    const files = [main, ...others];
    // A file that comes changes its folder.
    const folders = folder === undefined ? [] : [folder, ...paths.map((p) => posix.dirname(p))];
    return {
      process,
      unit,
      kind: folder === undefined ? 'main' : 'dropIn',
      path,
      files,
      watched: [...new Set([main.path, path, ...folders, ...paths])],
      endpoint: endpointOf(merge(files), flags, options),
    };
  } catch (error) {
    return {
      state: 'Pending',
      message: `the kubelet's configuration cannot be read; nothing was changed: ${messageOf(error)}`,
    };
  }
}
