import { spawn, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeCgroups, removeCgroups } from './cgroups.ts';
import type { Layout } from './layout.ts';
import { writeNodeFiles, type NodeOptions } from './node-files.ts';
import { kill, MARK, notePid, pidOf } from './processes.ts';
import { run, say, succeeds, until } from './shell.ts';

const NAMESPACES = ['-m', '-u', '-i', '-n', '-p', '-r', '-w'];
const NODE_PATH = 'PATH=/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export const nodeIndex = (node: string): number => {
  const index = Number(/^node-([1-9]\d*)$/.exec(node)?.[1]);
  if (index >= 1 && index <= 200) return index;
  throw new Error(`"${node}": nodes are named node-1 ... node-200`);
};

/** argv that runs a command inside a node. */
export function execArguments(layout: Layout, node: string, command: readonly string[]): string[] {
  const pid = pidOf(layout, node);
  if (pid === undefined) throw new Error(`${node} is not running`);
  return [
    'nsenter',
    '-t',
    String(pid),
    ...NAMESPACES,
    'env',
    '-i',
    NODE_PATH,
    'HOME=/root',
    `TERM=${process.env['TERM'] ?? 'dumb'}`,
    ...command,
  ];
}

export async function nodeExec(layout: Layout, node: string, ...command: string[]): Promise<string> {
  const [program = '', ...args] = execArguments(layout, node, command);
  return run(program, args);
}

/** The pid of the node's systemd, once `unshare` has forked it and it has become systemd. */
async function systemdOf(layout: Layout, node: string, unshare: ChildProcess): Promise<number> {
  let found: number | undefined;
  const log = join(layout.log, node, 'init.log');
  const check = async (): Promise<boolean> => {
    if (unshare.exitCode !== null) throw new Error(`${node} did not start:\n${readFileSync(log, 'utf8')}`);
    const children = await run('pgrep', ['-P', String(unshare.pid)]).catch(() => '');
    const pid = Number(children.trim().split('\n')[0]);
    if (!pid) return false;
    try {
      if (readlinkSync(`/proc/${pid}/exe`).endsWith('/systemd')) found = pid;
    } catch {
      return false;
    }
    return found !== undefined;
  };
  await until(check, 10_000, `${node} did not start; see ${log}`);
  return found ?? 0;
}

async function boot(layout: Layout, node: string): Promise<void> {
  const logs = join(layout.log, node);
  mkdirSync(logs, { recursive: true });
  makeCgroups(layout, node);
  const log = openSync(join(logs, 'init.log'), 'w');
  const script = join(import.meta.dirname, 'node-init.sh');
  const flags = [
    '--mount',
    '--propagation',
    'private',
    '--net',
    '--ipc',
    '--uts',
    '--pid',
    '--fork',
    '--mount-proc',
  ];
  const child = spawn('unshare', [...flags, 'bash', script], {
    detached: true,
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      [MARK]: layout.dir,
      NODE: node,
      FOLDER: layout.nodeFolder(node),
      BIN: layout.bin,
      LOGS: logs,
      SYSTEM_CGROUP: layout.cgroups(node).system,
    },
  });
  child.unref();
  notePid(layout, node, await systemdOf(layout, node, child));
}

/** The node's link to the bridge, and the routes between the nodes' pod networks. */
async function connect(layout: Layout, node: string, index: number): Promise<void> {
  const pid = String(pidOf(layout, node));
  const link = layout.veth(node);
  const ip = layout.nodeIp(index);
  await succeeds('ip', ['link', 'del', link]);
  await run('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pid]);
  await run('ip', ['link', 'set', link, 'master', layout.bridge, 'up']);
  const inside = `ip addr add ${ip}/24 dev eth0 && ip link set eth0 up && ip route add default via ${layout.apiIp}`;
  await run('nsenter', ['-t', pid, '-n', 'sh', '-c', inside]);
  for (const other of layout.nodes()) {
    const otherPid = pidOf(layout, other);
    if (other === node || otherPid === undefined) continue;
    const there = nodeIndex(other);
    await run('nsenter', [
      '-t',
      pid,
      '-n',
      'ip',
      'route',
      'replace',
      layout.podCidr(there),
      'via',
      layout.nodeIp(there),
    ]);
    await run('nsenter', [
      '-t',
      String(otherPid),
      '-n',
      'ip',
      'route',
      'replace',
      layout.podCidr(index),
      'via',
      ip,
    ]);
  }
  await run('ip', ['route', 'replace', layout.podCidr(index), 'via', ip, 'dev', layout.bridge]);
}

export async function loadImage(layout: Layout, node: string, tar: string): Promise<void> {
  const [program = '', ...args] = execArguments(layout, node, [
    'ctr',
    '-n',
    'k8s.io',
    'images',
    'import',
    '--local',
    '/dev/stdin',
  ]);
  await run('sh', ['-c', 'file=$0; exec "$@" < "$file"', tar, program, ...args]);
}

async function start(layout: Layout, node: string, options: NodeOptions): Promise<void> {
  const index = nodeIndex(node);
  // systemd as process 1 raises both for the whole machine.
  const raised = ['/proc/sys/fs/file-max', '/proc/sys/fs/nr_open'].map(
    (file) => [file, readFileSync(file, 'utf8')] as const,
  );
  await nodeDown(layout, node);
  await writeNodeFiles(layout, node, index, options);
  await boot(layout, node);
  await connect(layout, node, index);
  const answers = () =>
    nodeExec(layout, node, 'ctr', 'version').then(
      () => true,
      () => false,
    );
  await until(
    answers,
    20_000,
    `containerd of ${node} does not answer; see ${join(layout.log, node, 'containerd.log')}`,
  );
  for (const [file, value] of raised) writeFileSync(file, value);
  for (const tar of readdirSync(layout.images).filter((name) => name.endsWith('.tar')))
    await loadImage(layout, node, join(layout.images, tar));
  writeFileSync(join(layout.nodeFolder(node), 'started'), '');
}

/** Starts a node unless it runs, and waits until it is Ready. One whose start was interrupted is started anew. */
export async function nodeUp(layout: Layout, node: string, options: NodeOptions = {}): Promise<void> {
  const whole = pidOf(layout, node) !== undefined && existsSync(join(layout.nodeFolder(node), 'started'));
  if (!whole) await start(layout, node, options);
  const env = { ...process.env, KUBECONFIG: layout.kubeconfig };
  const ready = () =>
    succeeds(join(layout.bin, 'kubectl'), ['wait', '--for=condition=Ready', `node/${node}`, '--timeout=1s'], {
      env,
    });
  await until(ready, 60_000, `${node} is not Ready; see ${join(layout.log, node, 'kubelet.log')}`);
  say(`${node} is Ready`);
}

/** Killing process 1 of a node ends all of its processes; its mounts and links go with its namespaces. */
export async function nodeDown(layout: Layout, node: string): Promise<void> {
  await kill(layout, node);
  await removeCgroups(layout, node);
  await succeeds('ip', ['link', 'del', layout.veth(node)]);
  await succeeds('ip', ['route', 'del', layout.podCidr(nodeIndex(node))]);
  rmSync(layout.nodeFolder(node), { recursive: true, force: true });
}
