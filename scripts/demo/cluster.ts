import { execFile, spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const PROJECT = join(import.meta.dirname, '..', '..');
const TOOL = join(PROJECT, 'test/cluster/tool/main.ts');

export const cluster =
  process.env['CLUSTER'] ??
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'sysctl-operator', 'demo-cluster');
const env: NodeJS.ProcessEnv = { ...process.env, CLUSTER: cluster };

/** `npm run cluster -- ARGS`, each line that it prints handed on as it comes. */
export async function clusterCommand(args: readonly string[], onLine: (line: string) => void): Promise<void> {
  const child = spawn(process.execPath, [TOOL, ...args], {
    cwd: PROJECT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let last = '';
  const read = async (stream: NodeJS.ReadableStream): Promise<void> => {
    for await (const line of createInterface(stream)) {
      last = line;
      onLine(line);
    }
  };
  const code = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
  const [status] = await Promise.all([code, read(child.stdout), read(child.stderr)]);
  if (status !== 0) throw new Error(`npm run cluster -- ${args.join(' ')} failed: ${last}`);
}

/** kubectl of the demo's cluster. */
export const kubectl = async (...args: string[]): Promise<string> =>
  (
    await exec(join(cluster, 'bin', 'kubectl'), args, {
      cwd: PROJECT,
      env: { ...env, KUBECONFIG: join(cluster, 'admin.kubeconfig') },
      maxBuffer: 64 << 20,
    })
  ).stdout;

export const kubectlJson = async <T>(...args: string[]): Promise<T> =>
  JSON.parse(await kubectl(...args, '-o', 'json')) as T;

/** A command inside a node; resolves with what it prints. */
export const onNode = async (node: string, ...command: string[]): Promise<string> =>
  (await exec(process.execPath, [TOOL, 'exec', node, '--', ...command], { cwd: PROJECT, env })).stdout.trim();
