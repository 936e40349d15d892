import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../telemetry/log.ts';
import { clusterOptions, connect, textOf, type Connect } from '../cluster/connect.ts';
import type { Arguments, Command, Terminal } from '../command.ts';
import { UsageError } from '../usage.ts';
import { look, type Subject } from './look.ts';
import { view } from './view.ts';
import { watch } from './watch.ts';

const help = `
How far things are. Without a name every profile in a line; with one its conditions, how its entries were resolved, what
failed, and the nodes that are not ready; with --node what that node must have and has.

  kubectl sysctl status
  kubectl sysctl status search --watch          prints again as soon as something changes, until Ctrl-C
  kubectl sysctl status --node worker-7

To wait in a script: kubectl wait --for=condition=Ready sysctlprofile/search

Exit status: 0, or 1 when it could not be found out.
`;

/** What time it is and how it passes. */
export interface Clock {
  /** ms since 1970 */
  now(): number;
  /** Resolves after `ms`; rejects when nobody looks any more. */
  wait(ms: number): Promise<void>;
}

const realClock: Clock = { now: () => Date.now(), wait: (ms) => sleep(ms) };

function subjectOf(args: Arguments): Subject {
  const node = textOf(args, 'node');
  const [name, ...others] = args.positionals;
  if (others.length > 0 || (name !== undefined && node !== undefined))
    throw new UsageError('name one profile, or one node with --node');
  if (node !== undefined) return { kind: 'node', name: node };
  return name === undefined ? { kind: 'profiles' } : { kind: 'profile', name };
}

/** Of everything that the watches say, only what a person at the terminal can do something about. */
function complaining(terminal: Terminal): Log {
  const complain: Log['warn'] = (message, { error } = {}) =>
    terminal.complain(`${message}, trying again${typeof error === 'string' ? `: ${error}` : ''}\n`);
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: complain,
    error: complain,
    child: () => log,
  };
  return log;
}

export const statusCommand = (to: Connect, clock: Clock = realClock): Command => ({
  synopsis: '[PROFILE | --node NODE]',
  takes: [],
  failure: 1,
  options: {
    node: { type: 'string', value: 'NODE', about: 'one node instead of profiles' },
    watch: { type: 'boolean', short: 'w', about: 'print again when something has changed' },
    ...clusterOptions,
  },
  help,
  async run(args, terminal) {
    const subject = subjectOf(args);
    const connection = await to(args);
    const first = await look(connection, subject);
    terminal.print(view(subject, first, terminal, clock.now()));
    if (args.values['watch'] !== true) return 0;
    // Ages grow all the time: what is compared is how it looks at one moment.
    let before = view(subject, first, terminal, 0);
    const log = complaining(terminal);
    for await (const next of watch(connection, subject, { log, wait: (ms) => clock.wait(ms) })) {
      const content = view(subject, next, terminal, 0);
      if (content === before) continue;
      before = content;
      const now = clock.now();
      terminal.print(`\n--- ${new Date(now).toISOString()}\n${view(subject, next, terminal, now)}`);
    }
    return 0;
  },
});

export const status = statusCommand(connect);
