import { execFile, spawn, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Progress goes to standard error; standard output is for data. */
export const say = (text: string): void => void process.stderr.write(`${text}\n`);

export class CommandError extends Error {}

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  input?: string;
}

/** Runs a program and resolves with its standard output; rejects with its standard error in the message. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      { maxBuffer: 64 << 20, ...(options.cwd && { cwd: options.cwd }), env: options.env ?? process.env },
      (error, stdout, stderr) => {
        if (!error) resolve(stdout);
        else reject(new CommandError(`${command} ${args.join(' ')}: ${stderr.trim() || error.message}`));
      },
    );
    // A program that does not read its input may be gone before it is written.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
  });
}

/** True when the program ends with status 0. */
export const succeeds = (
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<boolean> =>
  run(command, args, options).then(
    () => true,
    () => false,
  );

/** Runs a program with this process's terminal; resolves with its exit status. */
export function attach(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', env });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

export const onPath = (name: string, path = process.env['PATH'] ?? ''): string | undefined => {
  const found = spawnSync('sh', ['-c', 'command -v "$0"', name], {
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
  });
  return found.status === 0 ? found.stdout.trim() : undefined;
};

/** Polls until the check holds; rejects with the message after `ms`. */
export async function until(
  check: () => boolean | Promise<boolean>,
  ms: number,
  message: string,
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(message);
    await sleep(100);
  }
}
