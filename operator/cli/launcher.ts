import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { constants, Script } from 'node:vm';

/**
 * Starts the command line out of its one file, in which the program is a comment: so V8 goes through its text once, and not at all when
 * what it had made of it before is still there. That halves the time of a command. Node's own cache (module.enableCompileCache) keeps
 * what is compiled when a module is loaded, not the functions that are compiled as they are called, which here are most.
 */

/** Put in by scripts/packed.ts. */
declare const PROGRAM: { start: string; length: string; hash: string; commands: readonly string[] };

/** Stands in the program for what would end the comment. */
const END = '*\u0001/';

function readProgram(): string {
  const length = Number(PROGRAM.length);
  const bytes = Buffer.allocUnsafe(length);
  const file = openSync(__filename, 'r');
  readSync(file, bytes, 0, length, Number(PROGRAM.start));
  closeSync(file);
  return bytes.toString('latin1').replaceAll(END, '*/');
}

/** A folder that nobody else may write, because what is in it runs as this user. Throws where there is none. */
function cacheFolder(): string {
  const home = homedir();
  if (statSync(home).uid !== process.getuid?.()) throw new Error('not the home of this user');
  const folder = join(home, '.cache', 'kubectl-sysctl');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Each command compiles functions of its own; what is no command is told so by the shortest of ways. */
function cacheName(): string {
  const command = process.argv[2] ?? '';
  return `${PROGRAM.hash}-${process.version}-${PROGRAM.commands.includes(command) ? command : 'other'}`;
}

const ignoringErrors = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch {
    return undefined;
  }
};

/** What was kept of other builds goes; others that run now see the old file or the new one. */
function keep(folder: string, name: string, data: Buffer): void {
  for (const other of readdirSync(folder))
    if (!other.startsWith(PROGRAM.hash)) rmSync(join(folder, other), { force: true });
  const temporary = join(folder, `${name}.${process.pid}`);
  writeFileSync(temporary, data, { mode: 0o600 });
  renameSync(temporary, join(folder, name));
}

const folder = ignoringErrors(cacheFolder);
const name = cacheName();
const cachedData = folder && ignoringErrors(() => readFileSync(join(folder, name)));
const script = new Script(`(function(exports,require,module,__filename,__dirname){${readProgram()}\n})`, {
  filename: __filename,
  ...(cachedData && { cachedData }),
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
if (folder && (!cachedData || script.cachedDataRejected))
  process.once('exit', () => ignoringErrors(() => keep(folder, name, script.createCachedData())));
const program = script.runInThisContext() as (...of: unknown[]) => void;
program({}, require, { exports: {} }, __filename, __dirname);
