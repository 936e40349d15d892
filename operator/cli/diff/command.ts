import { stringify } from 'yaml';
import { paths } from '../../api/names.ts';
import type { NodeSysctlState } from '../../api/state.ts';
import { OperatorError } from '../../errors.ts';
import { ago, tableLines } from '../cluster/columns.ts';
import { clusterOptions, connect, textOf, type Connect, type Connection } from '../cluster/connect.ts';
import { readRevisions } from '../cluster/fleet.ts';
import { ask, wasStatus } from '../cluster/lists.ts';
import type { Command, Terminal } from '../command.ts';
import { painter } from '../text.ts';
import { UsageError } from '../usage.ts';
import { nodeDiff, type DiffRow, type NodeDiff } from './rows.ts';

const DIFFERS = 2;

const help = `
What a node must have and what it has: every sysctl that a profile wants there or wanted, what was there before, since
when, which profile decides, and what is not as it should be.

  kubectl sysctl diff worker-7
  kubectl sysctl diff worker-7 -o json | jq '.rows[] | select(.state != "InSync")'

Exit status: 0 everything is as wanted, 2 something is not, 1 that could not be found out.
`;

export async function stateOf({ api }: Connection, node: string): Promise<NodeSysctlState> {
  try {
    return await ask<NodeSysctlState>(api, `${paths.states}/${node}`);
  } catch (error) {
    if (!wasStatus(error, 404)) throw error;
    throw new OperatorError(
      'Configuration',
      `node "${node}" has no state: no profile matches it, or there is no such node (kubectl get nodesysctlstates lists them)`,
    );
  }
}

const WORDS: Partial<Record<DiffRow['state'], string>> = {
  InSync: 'in sync',
  Changing: 'being changed',
  Leaving: 'being put back',
};

/** The kernel prints tabs between numbers, which no column is as wide as. */
const oneLine = (value: string): string => value.replaceAll(/\s+/g, ' ');

/** The page of one node. Pure. */
export function diffPage(diff: NodeDiff, { colour, columns }: Terminal, now: number): string {
  const paint = painter(colour);
  const { ready, kubelet } = diff;
  const since = diff.revisionSince ? `, made ${ago(diff.revisionSince, now)} ago` : '';
  const behind =
    diff.observedRevision === diff.revision ? '' : `; its agent has ${diff.observedRevision ?? 'none yet'}`;
  const rows = diff.rows.map((row) => [
    row.name,
    row.wanted ?? '(nothing)',
    oneLine(row.live ?? 'not read yet'),
    oneLine(row.original ?? '-'),
    row.by.join(', ') || '-',
    WORDS[row.state] ?? row.state,
  ]);
  const head = ['SYSCTL', 'WANTED', 'LIVE', 'BEFORE', 'BY', 'STATE'];
  const lines = [
    `${paint('bold', `Node ${diff.node}`)} wants revision ${diff.revision}${since}${behind}`,
    ready
      ? `${ready.status === 'True' ? 'Ready' : `Not ready (${ready.reason})`} for ${ago(ready.since, now)}: ${ready.message}`
      : 'Its agent has not reported yet',
    ...(rows.length > 0 ? ['', ...tableLines(head, rows, { columns, paint, elastic: 4 })] : []),
    ...diff.rows.filter((r) => r.message).map((r) => `  ${paint('yellow', r.message ?? '')}`),
    ...(kubelet.wanted.length > 0 || kubelet.live
      ? [
          '',
          `Kubelet${kubelet.state ? ` (${kubelet.state})` : ''}: wanted ${kubelet.wanted.join(', ') || 'nothing'}; live ${kubelet.live ? kubelet.live.join(', ') || 'nothing' : 'not read yet'}`,
          ...(kubelet.message ? [`  ${paint('yellow', kubelet.message)}`] : []),
        ]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

export const diffCommand = (to: Connect, now = Date.now): Command => ({
  synopsis: 'NODE',
  takes: [],
  failure: 1,
  options: {
    output: { type: 'string', short: 'o', choices: ['text', 'json', 'yaml'], about: 'text without this' },
    ...clusterOptions,
  },
  help,
  async run(args, terminal) {
    const [node, ...others] = args.positionals;
    if (node === undefined || others.length > 0) throw new UsageError('name one node');
    const connection = await to(args);
    const notes: string[] = [];
    const [state, revisions] = await Promise.all([
      stateOf(connection, node),
      readRevisions(connection, notes),
    ]);
    const diff = nodeDiff(state, revisions);
    const output = textOf(args, 'output') ?? 'text';
    if (output === 'json') terminal.print(`${JSON.stringify(diff, null, 2)}\n`);
    else if (output === 'yaml') terminal.print(stringify(diff, { aliasDuplicateObjects: false }));
    else terminal.print(diffPage(diff, terminal, now()));
    for (const note of notes) terminal.complain(`note: ${note}\n`);
    return diff.differs ? DIFFERS : 0;
  },
});

export const diff = diffCommand(connect);
