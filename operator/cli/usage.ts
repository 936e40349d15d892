import { parseArgs } from 'node:util';
import { OperatorError } from '../errors.ts';
import { closest } from '../sysctl/catalog/closest.ts';
import type { Arguments, Command, Options } from './command.ts';

/** Exit status of a command that was called wrongly, as of grep and kubectl's plugins. */
export const USAGE = 2;

/** The command line is wrong: a message that says what to write instead. */
export class UsageError extends OperatorError {
  constructor(message: string) {
    super('Configuration', message);
    this.name = 'UsageError';
  }
}

/** A file cannot be read, or is not what it was said to be. */
export class InputError extends OperatorError {
  constructor(message: string) {
    super('Configuration', message);
    this.name = 'InputError';
  }
}

const shortest = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);

function unknownOption(message: string, options: Options): string {
  const given = /'(-{1,2}[^' ,]*)/.exec(message)?.[1] ?? '';
  const typed = given.replace(/^-+/, '');
  const [near] = closest(typed, Object.keys(options));
  return `unknown option ${given}${near ? `; did you mean --${near}?` : ''}`;
}

/** parseArgs speaks to programmers; these are its messages for people. */
function explained(error: unknown, options: Options): string {
  const { code, message } = error as { code?: string; message: string };
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return unknownOption(message, options);
  if (code !== 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') throw error;
  const name = /--([\w-]+)/.exec(message)?.[1] ?? '';
  const option = options[name];
  if (option?.type === 'boolean') return `--${name} takes no value`;
  const choices = option?.choices;
  return `--${name} needs a value${choices ? `: ${choices.join(', ')}` : ''}`;
}

/** Options and positional arguments. Throws UsageError for what the command does not know. */
export function parseArguments(command: Pick<Command, 'options'>, args: readonly string[]): Arguments {
  let parsed: Arguments;
  try {
    parsed = parseArgs({ args: [...args], options: command.options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(explained(error, command.options));
  }
  for (const [name, { choices, short }] of Object.entries(command.options)) {
    const value = parsed.values[name];
    if (!choices || typeof value !== 'string' || choices.includes(value)) continue;
    throw new UsageError(`${shortest(short ?? name)} takes ${choices.join(', ')}, not "${value}"`);
  }
  return parsed;
}

function optionLines(options: Options): string {
  const rows = Object.entries(options).map(([name, { short, value, choices, about }]) => {
    const argument = choices ? ` ${choices.join('|')}` : value ? ` ${value}` : '';
    return [`${short ? `-${short}, ` : '    '}--${name}${argument}`, about] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  // What is wider than a third of the page gets a line of its own.
  const column = Math.min(width, 34);
  return rows
    .map(([left, about]) =>
      left.length > column
        ? `  ${left}\n  ${' '.repeat(column)}  ${about}`
        : `  ${left.padEnd(column)}  ${about}`,
    )
    .join('\n');
}

/** The page of `kubectl sysctl NAME --help`. */
export function helpOf(name: string, command: Command): string {
  const options =
    Object.keys(command.options).length > 0 ? `\nOptions:\n${optionLines(command.options)}\n` : '';
  return `Usage: kubectl sysctl ${name} ${command.synopsis}\n\n${command.help.trim()}\n${options}`;
}
