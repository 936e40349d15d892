import type { KeyChange } from '../../plan/preview/key-changes.ts';
import type { NodeGroup } from '../../plan/preview/preview.ts';
import { cut, listed, type Paint } from '../text.ts';
import type { PlanData } from './data.ts';
import type { PageOptions } from './page.ts';

const GROUPS_SHOWN = 8;
const KEYS_SHOWN = 12;
const NAMES_SHOWN = 3;

const WORDS: Record<KeyChange['kind'], string> = {
  same: 'stays',
  write: '',
  unread: 'not read yet',
  restore: 'comes back',
  release: 'stays, no longer kept',
  blocked: 'cannot be had',
};

function keyLine({ name, kind, live, to, by }: KeyChange, width: number, paint: Paint): string {
  const from = live ?? 'not read yet';
  const key = name.padEnd(width);
  if (kind === 'same' || kind === 'release')
    return `${key}  ${from}  ${paint('dim', `${WORDS[kind]}; ${by}`)}`;
  const why = kind === 'write' || kind === 'unread' ? by : `${WORDS[kind]}; ${by}`;
  return `${key}  ${from} -> ${paint('cyan', to ?? '?')}  ${paint('dim', why)}`;
}

function kubeletLine({ kubelet }: NodeGroup): string[] {
  const text = {
    no: '',
    yes: 'the kubelet restarts',
    unread: 'the kubelet restarts, unless its list, not read yet, is right already',
  }[kubelet.restart];
  const held =
    kubelet.held.length > 0 ? `${listed(kubelet.held.map((h) => h.entry))} held for running pods` : '';
  const line = [text, held].filter(Boolean).join('; ');
  return line ? [line] : [];
}

function one(group: NodeGroup, { all, columns }: PageOptions, paint: Paint): string[] {
  const { nodes, keys } = group;
  const shown = nodes.slice(0, all ? nodes.length : NAMES_SHOWN);
  const names = listed([
    ...shown,
    ...(nodes.length > shown.length ? [`${nodes.length - shown.length} more`] : []),
  ]);
  const title = nodes.length === 1 ? `  ${names}` : `  ${nodes.length} nodes: ${names}`;
  const changing = group.change ? keys.filter((k) => k.kind !== 'same') : keys;
  const listedKeys = changing.slice(0, all ? changing.length : KEYS_SHOWN);
  const more = changing.length - listedKeys.length;
  const width = Math.max(0, ...listedKeys.map(({ name }) => name.length));
  return [
    all ? title : cut(title, columns),
    ...listedKeys.map((key) => `    ${keyLine(key, width, paint)}`),
    ...(more > 0 ? [`    and ${more} more sysctls`] : []),
    ...kubeletLine(group).map((line) => `    ${line}`),
  ];
}

/** The nodes by what would happen to them: the largest groups, and how many others there are. Pure. */
export function groupLines({ groups }: PlanData, options: PageOptions, paint: Paint): string[] {
  const changing = groups.filter((g) => g.change);
  const shown = changing.slice(0, options.all ? changing.length : GROUPS_SHOWN);
  const rest = changing.slice(shown.length);
  const others = rest.reduce((n, g) => n + g.nodes.length, 0);
  if (shown.length === 0) return [];
  return [
    '',
    paint('bold', 'Nodes, by what would happen to them'),
    ...shown.flatMap((group) => one(group, options, paint)),
    ...(rest.length > 0
      ? [`  and ${others} nodes in ${rest.length} more groups: --all shows them, -o json has everything`]
      : []),
  ];
}
