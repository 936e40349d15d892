import { fstatSync, readFileSync, writeSync } from 'node:fs';
import type { Terminal } from './command.ts';
import { runProgram } from './program.ts';
import { InputError } from './usage.ts';

const STDOUT = 1;
const STDERR = 2;
const DEFAULT_COLUMNS = 100;
const { env } = process;

/**
 * Standard output without process.stdout, whose first use costs a tenth of the whole start. A pipe whose reader is slow says EAGAIN
 * where somebody else has made it non-blocking, and one whose reader is gone EPIPE: `explain --all | head` is no failure.
 */
function writeAll(file: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(file, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') process.exit(0);
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'you may not read it',
  EISDIR: 'it is a directory: name the files in it',
};

function read(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new InputError(`${file}: ${REASONS[code] ?? message}`);
  }
}

/** Of a terminal and of /dev/null. node:tty itself loads all of the network, which takes longer than a command. */
const isCharacterDevice = (file: number): boolean => {
  try {
    return fstatSync(file).isCharacterDevice();
  } catch {
    return false;
  }
};

const onTerminal = isCharacterDevice(STDOUT) && process.stdout.isTTY;
const noColour = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
const terminal: Terminal = {
  print: (text) => writeAll(STDOUT, text),
  complain: (text) => writeAll(STDERR, text),
  read,
  colour: onTerminal && !noColour,
  columns: onTerminal ? process.stdout.columns : DEFAULT_COLUMNS,
};

// Everything is written. Without exit() a connection that still owes something would keep the process.
runProgram(process.argv.slice(2), terminal).then(
  (status) => process.exit(status),
  (error: unknown) => {
    terminal.complain(
      `kubectl sysctl: this is a fault of the program: ${String(error instanceof Error ? error.stack : error)}\n`,
    );
    process.exit(70);
  },
);
