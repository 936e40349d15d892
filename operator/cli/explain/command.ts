import { allEntries } from '../../sysctl/catalog/index.ts';
import type { Command, Terminal } from '../command.ts';
import { count } from '../text.ts';
import { UsageError } from '../usage.ts';
import { find, type Known } from './find.ts';
import type { Measured } from './kernel/compare.ts';
import { page } from './page.ts';
import { record } from './record.ts';
import { table } from './table.ts';

const WIDEST = 100;
const UNKNOWN = 1;

const help = `
Everything that is known about a sysctl: whose it is, what a pod sees of it, where it must be set to have
effect, what it takes, who else sets it, and what can go wrong.

  kubectl sysctl explain net.core.somaxconn
  kubectl sysctl explain vm/swappiness /proc/sys/vm/max_map_count     any spelling
  kubectl sysctl explain 'vm.dirty_*'                                 a list
  kubectl sysctl explain net.ipv4.conf.eth0.rp_filter                 the file of one interface

For scripts there is one JSON object for each key, a line each; with --all it is an array:

  kubectl sysctl explain kernel.sem -o json | jq .newNamespace
  kubectl sysctl explain --all -o json | jq -r '.[] | select(.pods.safeSince) | .name'

The catalog was measured on one kernel. --kernel asks the kernel of this machine instead, in namespaces that it
makes and throws away (nothing of the host is changed), and marks what differs:

  sudo kubectl-sysctl explain --kernel net.core.rmem_max

Exit status: 0, or 1 when a key is unknown; close matches are then named.
`;

function lookUp(
  asked: readonly string[],
  terminal: Terminal,
): { keys: Known[]; many: boolean; missing: boolean } {
  const result = { keys: [] as Known[], many: false, missing: false };
  for (const text of asked) {
    const { known, glob, suggestions } = find(text);
    result.keys.push(...known);
    result.many ||= glob && known.length > 1;
    if (known.length > 0) continue;
    result.missing = true;
    const near =
      suggestions.length > 0 ? `\nDid you mean:\n${suggestions.map((name) => `  ${name}`).join('\n')}` : '';
    const others = /^.*\.(?=[^.]+$)/.exec(text)?.[0];
    const list =
      suggestions.length === 0 && others ? `\nkubectl sysctl explain '${others}*' lists its neighbours.` : '';
    terminal.complain(
      glob ? `No known sysctl matches ${text}\n` : `The catalog does not know ${text}.${near}${list}\n`,
    );
  }
  return result;
}

async function measure(keys: readonly Known[]): Promise<ReadonlyMap<string, Measured>> {
  const { measureKernel } = await import('./kernel/compare.ts');
  return measureKernel(keys);
}

/** `explain KEY...`. */
export const explain: Command = {
  synopsis: 'KEY... | --all',
  takes: 'keys',
  options: {
    output: { type: 'string', short: 'o', choices: ['text', 'json'], about: 'a page for people, or JSON' },
    all: { type: 'boolean', about: 'every sysctl of the catalog' },
    kernel: { type: 'boolean', about: "measure this machine's own kernel (root)" },
  },
  help,
  async run({ positionals, values }, terminal) {
    const all = values['all'] === true;
    const json = values['output'] === 'json';
    if (all === positionals.length > 0)
      throw new UsageError(all ? '--all takes no names' : 'name a sysctl, or use --all');
    const { keys, many, missing } = all
      ? { keys: allEntries().map((entry) => ({ name: entry.name, entry })), many: true, missing: false }
      : lookUp(positionals, terminal);
    const measured = values['kernel'] === true ? await measure(keys) : undefined;
    const columns = Math.min(WIDEST, terminal.columns);
    if (json) {
      const lines = keys.map((key) => JSON.stringify(record(key, measured?.get(key.name))));
      terminal.print(all ? `[\n${lines.join(',\n')}\n]\n` : lines.map((line) => `${line}\n`).join(''));
    } else if (many) {
      terminal.print(table(keys, terminal.colour, Math.max(columns, terminal.columns), measured));
      terminal.complain(`${count(keys.length, 'key')}; kubectl sysctl explain NAME has the page of one\n`);
    } else
      terminal.print(
        keys
          .map((key) => page(key, terminal.colour, columns, measured?.get(key.name)))
          .join(`\n${'─'.repeat(columns)}\n\n`),
      );
    return missing ? UNKNOWN : 0;
  },
};
