import { messageOf, OperatorError } from '../errors.ts';
import { closest } from '../sysctl/catalog/closest.ts';
import type { CommandEntry, Terminal } from './command.ts';
import { helpOf, InputError, parseArguments, USAGE, UsageError } from './usage.ts';

export const commands: readonly CommandEntry[] = [
  {
    name: 'explain',
    summary: 'What a sysctl is, whose it is, and how it gets where it must be',
    load: async () => (await import('./explain/command.ts')).explain,
  },
  {
    name: 'lint',
    summary: 'Find what will not work in profiles, pods, kubelet configurations and sysctl.conf files',
    load: async () => (await import('./lint/command.ts')).lint,
  },
  {
    name: 'render',
    summary: 'A profile as other systems take it: sysctl.d, docker, pod, kubelet, talos, aks, gke ...',
    load: async () => (await import('./render/command.ts')).render,
  },
  {
    name: 'plan',
    summary: 'What a profile would do to the nodes of a cluster, before anything is touched',
    load: async () => (await import('./plan/command.ts')).plan,
  },
  {
    name: 'status',
    summary: 'How far profiles and nodes of a cluster are',
    load: async () => (await import('./status/command.ts')).status,
  },
  {
    name: 'diff',
    summary: 'What a node must have and what it has: every sysctl, since when, by whom',
    load: async () => (await import('./diff/command.ts')).diff,
  },
  {
    name: 'adopt',
    summary: 'A profile out of what exists: a node, sysctl.conf, TuneD, AKS, GKE, Talos',
    load: async () => (await import('./adopt/command.ts')).adopt,
  },
  {
    name: 'completion',
    summary: 'Completion of commands, options and sysctl names for bash, zsh and fish',
    load: async () => (await import('./completion/command.ts')).completion,
  },
];

const width = Math.max(...commands.map(({ name }) => name.length));

export const overview = `Knows every sysctl, says what is wrong before it is applied, and turns profiles into other formats and back.
plan, status, diff and adopt NODE ask a cluster; the others need none.

Usage: kubectl sysctl COMMAND [ARGUMENTS]     (in a checkout: npm run -s sysctl -- COMMAND [ARGUMENTS])

${commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}

Start with:
  kubectl sysctl explain net.core.somaxconn        why the node's value does not reach pods
  kubectl sysctl lint deploy/*.yaml                exit status 1 when something will not work
  kubectl sysctl COMMAND --help                    more about one command, with examples
`;

/** `help` may stand before or behind the command's name, or be an option anywhere before "--". */
function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

async function dispatch(args: readonly string[], terminal: Terminal): Promise<number> {
  const helpFirst = args[0] === 'help';
  const [name, ...rest] = helpFirst ? args.slice(1) : args;
  if (name === undefined || name === '--help' || name === '-h') {
    terminal.print(overview);
    return 0;
  }
  // Asked by the scripts of `completion` at every press of the tab key, and by kubectl.
  if (name === '__complete')
    return (await import('./completion/candidates.ts')).complete(rest, commands, terminal);
  const entry = commands.find((one) => one.name === name);
  if (!entry) {
    const names = commands.map((one) => one.name);
    const [near] = closest(name, names);
    throw new InputError(
      `unknown command "${name}"; ${near ? `did you mean ${near}?` : `there are ${names.join(', ')}`}`,
    );
  }
  const command = await entry.load();
  if (helpFirst || wantsHelp(rest)) {
    terminal.print(helpOf(entry.name, command));
    return 0;
  }
  try {
    return await command.run(parseArguments(command, rest), terminal);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    const called = error instanceof UsageError;
    const see = called ? `\nSee: kubectl sysctl ${entry.name} --help` : '';
    terminal.complain(`kubectl sysctl: ${called ? `${entry.name}: ` : ''}${messageOf(error)}${see}\n`);
    return command.failure ?? USAGE;
  }
}

/** Runs one command line. Returns the exit status: 2 for a wrong command line or a file that cannot be read. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    terminal.complain(`kubectl sysctl: ${messageOf(error)}\n`);
    return USAGE;
  }
}
