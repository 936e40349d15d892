import type { Layout } from './layout.ts';
import { pidOf } from './processes.ts';
import { run } from './shell.ts';

const NAMESPACES = ['-m', '-u', '-i', '-n', '-p', '-r', '-w'];
const NODE_PATH = 'PATH=/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin';

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

/** Imports a docker archive into the containerd of a node. */
export async function loadImage(layout: Layout, node: string, tar: string): Promise<void> {
  const ctr = ['ctr', '-n', 'k8s.io', 'images', 'import', '--local', '/dev/stdin'];
  const [program = '', ...args] = execArguments(layout, node, ctr);
  await run('sh', ['-c', 'file=$0; exec "$@" < "$file"', tar, program, ...args]);
}
