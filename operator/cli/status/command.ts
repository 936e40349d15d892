import { setTimeout as sleep } from 'node:timers/promises';
import { paths } from '../../api/names.ts';
import type { SysctlProfile } from '../../api/profile.ts';
import type { NodeSysctlState } from '../../api/state.ts';
import { OperatorError } from '../../errors.ts';
import { clusterOptions, connect, textOf, type Connect, type Connection } from '../cluster/connect.ts';
import { readRevisions } from '../cluster/fleet.ts';
import { ask, listAll, wasStatus } from '../cluster/lists.ts';
import type { Arguments, Command, Terminal } from '../command.ts';
import { diffPage, stateOf } from '../diff/command.ts';
import { nodeDiff } from '../diff/rows.ts';
import { UsageError } from '../usage.ts';
import { overviewPage, profilePage } from './page.ts';

const INTERVAL_MS = 2000;

const help = `
How far things are. Without a name every profile in a line; with one its conditions, how its entries were resolved, what
failed, and the nodes that are not ready; with --node what that node must have and has.

  kubectl sysctl status
  kubectl sysctl status search --watch          prints again when something has changed, until Ctrl-C
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

type View = (now: number) => string;

async function profileView(connection: Connection, name: string, terminal: Terminal): Promise<View> {
  const { api } = connection;
  const find = async (): Promise<SysctlProfile> => {
    try {
      return await ask<SysctlProfile>(api, `${paths.profiles}/${name}`);
    } catch (error) {
      if (!wasStatus(error, 404)) throw error;
      throw new OperatorError('Configuration', `there is no profile "${name}"`);
    }
  };
  const notes: string[] = [];
  const [profile, states, revisions] = await Promise.all([
    find(),
    listAll<NodeSysctlState>(api, paths.states),
    readRevisions(connection, notes),
  ]);
  // A node is the profile's when the revision that it is told to have was made from it.
  const own = states.filter((s) =>
    revisions.get(s.spec.revision)?.data.profiles.some((p) => p.name === name),
  );
  return (now) => profilePage(profile, own, { ...terminal, now });
}

async function nodeView(connection: Connection, node: string, terminal: Terminal): Promise<View> {
  const [state, revisions] = await Promise.all([stateOf(connection, node), readRevisions(connection, [])]);
  const diff = nodeDiff(state, revisions);
  return (now) => diffPage(diff, terminal, now);
}

async function view(connection: Connection, args: Arguments, terminal: Terminal): Promise<View> {
  const node = textOf(args, 'node');
  if (node !== undefined) return nodeView(connection, node, terminal);
  const [name] = args.positionals;
  if (name !== undefined) return profileView(connection, name, terminal);
  const profiles = await listAll<SysctlProfile>(connection.api, paths.profiles);
  return (now) => overviewPage(profiles, { ...terminal, now });
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
    if (args.positionals.length > 1 || (args.positionals.length > 0 && textOf(args, 'node') !== undefined))
      throw new UsageError('name one profile, or one node with --node');
    const connection = await to(args);
    // Ages grow all the time: what is compared is how it looks at one moment.
    let before = '';
    for (;;) {
      const show = await view(connection, args, terminal);
      const content = show(0);
      if (content !== before)
        terminal.print(
          (before === '' ? '' : `\n--- ${new Date(clock.now()).toISOString()}\n`) + show(clock.now()),
        );
      before = content;
      if (args.values['watch'] !== true) return 0;
      await clock.wait(INTERVAL_MS);
    }
  },
});

export const status = statusCommand(connect);
