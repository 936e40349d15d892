import fs from 'node:fs';
import { basename } from 'node:path';
import type { Effect } from './wrap.ts';

/** Functions of node:fs after which every other process sees what it saw before. fsync is one: a kill does not lose what the kernel has. */
const READS =
  'access close exists fdatasync fstat fsync lstat opendir read readdir readFile readlink readv realpath stat statfs'
    .split(' ')
    .flatMap((name) => [name, `${name}Sync`]);
const LOOKS = 'createReadStream glob globSync openAsBlob unwatchFile watch watchFile'.split(' ');
const NO_EFFECT = new Set([...READS, ...LOOKS]);

/** What is open for writing. */
const open = new Map<number, string>();
const STANDARD = 2;

const writes = (flags: unknown): boolean =>
  typeof flags === 'number' ? (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0 : flags !== 'r';
const creates = (flags: unknown): boolean =>
  typeof flags === 'number' ? (flags & fs.constants.O_CREAT) !== 0 : writes(flags);

/** A sysctl by its path, any other file by its name. */
const named = (path: unknown): string => {
  const text = String(path);
  return text.startsWith('/proc/sys/') ? text : basename(text);
};
const isThere = (path: unknown): boolean =>
  fs.lstatSync(String(path), { throwIfNoEntry: false }) !== undefined;

type Call = (name: string, args: readonly unknown[]) => string | undefined;

/** Those that have an effect only at times; the others have one always. */
const SOMETIMES: Record<string, Call> = {
  openSync: (_name, [path, flags]) =>
    creates(flags) && !String(path).startsWith('/proc/sys/') ? `create ${named(path)}` : undefined,
  writeSync: (_name, [fd]) =>
    Number(fd) > STANDARD ? `write ${open.get(Number(fd)) ?? `descriptor`}` : undefined,
  mkdirSync: (_name, [path]) => (isThere(path) ? undefined : `make the folder ${named(path)}`),
  rmSync: (_name, [path]) => (isThere(path) ? `remove ${named(path)}` : undefined),
};

const always: Call = (name, [path]) => `${name.replace(/Sync$/, '')} ${named(path)}`;

function watchFunctions(module: object, effect: Effect): void {
  const functions = module as Record<string, (...args: unknown[]) => unknown>;
  for (const [name, original] of Object.entries(functions)) {
    if (!/^[a-z]/.test(name) || typeof original !== 'function' || NO_EFFECT.has(name)) continue;
    const judge = SOMETIMES[name] ?? always;
    functions[name] = (...args) => {
      const what = judge(name, args);
      if (what !== undefined) effect(what);
      return original(...args);
    };
  }
}

/** Every function of node:fs that is not known to leave the world as it is. */
export function watchFiles(effect: Effect): void {
  watchFunctions(fs, effect);
  watchFunctions(fs.promises, effect);
  const { openSync, closeSync } = fs;
  fs.openSync = (path, flags, mode) => {
    const fd = openSync(path, flags, mode);
    if (writes(flags)) open.set(fd, named(path));
    return fd;
  };
  fs.closeSync = (fd) => {
    open.delete(fd);
    closeSync(fd);
  };
}
