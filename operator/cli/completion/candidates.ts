import type { Command, CommandEntry, Terminal } from '../command.ts';

/** What the shell does with the answer, in the numbers of cobra, which kubectl understands (completions.go: ShellCompDirective). */
const FILES = ':0';
const NO_FILES = ':4';

/** Families end in a name that only the node knows. */
async function keys(prefix: string): Promise<string[]> {
  const { allNames } = await import('../../sysctl/catalog/index.ts');
  return allNames().filter((name) => name.startsWith(prefix) && !name.includes('*'));
}

function optionsOf({ options }: Command): string[] {
  return [
    ...Object.entries(options).map(([name, { about }]) => `--${name}\t${about}`),
    '--help\twhat the command does',
  ];
}

/** The values of the option that the word before is; undefined when it is none that takes a value. */
function valuesAfter({ options }: Command, before: string): readonly string[] | undefined {
  const found = Object.entries(options).find(
    ([name, { short }]) => before === `--${name}` || before === `-${short}`,
  )?.[1];
  return found?.type === 'string' ? (found.choices ?? []) : undefined;
}

async function ofCommand(
  command: Command,
  words: readonly string[],
): Promise<{ lines: readonly string[]; directive: string }> {
  const word = words.at(-1) ?? '';
  const values = valuesAfter(command, words.at(-2) ?? '');
  if (values) return { lines: values, directive: NO_FILES };
  if (word.startsWith('-')) return { lines: optionsOf(command), directive: NO_FILES };
  if (command.takes === 'files') return { lines: [], directive: FILES };
  return { lines: command.takes === 'keys' ? await keys(word) : command.takes, directive: NO_FILES };
}

/**
 * What may stand in place of the last of `words`: a line each, with a description behind a tab, and a last line for the shell. It is
 * the protocol of cobra's __complete, so that kubectl itself completes too.
 */
export async function complete(
  words: readonly string[],
  commands: readonly CommandEntry[],
  terminal: Terminal,
): Promise<number> {
  const [first = '', ...rest] = words;
  const entry = rest.length > 0 ? commands.find(({ name }) => name === first) : undefined;
  const found =
    rest.length === 0
      ? { lines: commands.map(({ name, summary }) => `${name}\t${summary}`), directive: NO_FILES }
      : entry
        ? await ofCommand(await entry.load(), rest)
        : { lines: [], directive: NO_FILES };
  const word = words.at(-1) ?? '';
  const lines = found.lines.filter((line) => line.startsWith(word));
  terminal.print([...lines, found.directive, ''].join('\n'));
  return 0;
}
