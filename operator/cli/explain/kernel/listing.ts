import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { InputError } from '../../usage.ts';

export interface SysctlFile {
  /** The file's mode has a write bit for somebody. */
  writable: boolean;
  /** Everybody may write it, so that permissions say nothing about whose it is. */
  everybody: boolean;
  /** The kernel would let the process that looked write it (access(2); nothing is written). */
  permitted: boolean;
  value: string | undefined;
}
export type Listing = ReadonlyMap<string, SysctlFile>;

const run = promisify(execFile);
const PART = '=====';
const MAX_OUTPUT = 1 << 26;
/** vm.stat_refresh is not a value: reading it starts work on every CPU. */
export const LIST = `find /proc/sys -type f -printf '%m %P\\n'; echo ${PART}; find /proc/sys -type f -writable -printf '%P\\n'; echo ${PART}; grep -rs --exclude=stat_refresh '' /proc/sys`;

const dotted = (path: string): string => path.replace(/[./]/g, (c) => (c === '/' ? '.' : '/'));

function parse(output: string): Listing {
  const [modes = '', permitted = '', values = ''] = output.split(`${PART}\n`);
  const may = new Set(permitted.split('\n'));
  const texts = new Map<string, string>();
  for (const [, path = '', text = ''] of values.matchAll(/^\/proc\/sys\/([^:]+):(.*)$/gm))
    texts.set(path, texts.has(path) ? `${texts.get(path)}\n${text}` : text);
  return new Map(
    [...modes.matchAll(/^(\d+) (.+)$/gm)].map(([, mode = '', path = '']): [string, SysctlFile] => [
      dotted(path),
      {
        writable: /[2367]/.test(mode),
        everybody: mode === '666',
        permitted: may.has(path),
        value: texts.get(path),
      },
    ]),
  );
}

/** Runs a shell script behind a command that makes namespaces for it. Returns what it printed. Throws InputError. */
export async function shellIn(command: readonly string[], script: string): Promise<string> {
  try {
    const { stdout } = await run('env', [...command, 'sh', '-c', `${script}; true`], {
      encoding: 'utf8',
      maxBuffer: MAX_OUTPUT,
    });
    return stdout;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new InputError(
      `--kernel could not make namespaces (${(stderr || message).trim()}); it needs root, and unshare and setpriv of util-linux`,
    );
  }
}

/** Every file below /proc/sys as a process in the given new namespaces sees it. */
export const listing = async (command: readonly string[], before = 'true'): Promise<Listing> =>
  parse(await shellIn(command, `${before}; ${LIST}`));
