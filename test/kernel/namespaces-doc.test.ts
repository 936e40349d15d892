import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandsOf, pattern, type Command } from './support/console-blocks.ts';
import { scenario, suite } from './support/scenario.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const document = readFileSync(new URL('../../docs/namespaces.md', import.meta.url), 'utf8');
const commands = commandsOf(document);

/** What a command needs of the machine, by what it names. */
const NEEDS: readonly [names: RegExp, need: string][] = [
  [/netfilter\/nf_conntrack/, 'net.netfilter.nf_conntrack_max'],
  [/nf_hooks_lwtunnel/, 'net.netfilter.nf_hooks_lwtunnel'],
  [/net\/ipv6|ipv6\/conf/, 'net.ipv6.conf.all.forwarding'],
  [/memfd_noexec/, 'vm.memfd_noexec'],
  [/tcp_child_ehash_entries/, 'net.ipv4.tcp_child_ehash_entries'],
  [/pid_max/, 'Linux 6.14'],
];

function run({ command }: Command): string {
  const PATH = `${dirname(process.execPath)}:${process.env['PATH']}`;
  const env = { ...process.env, LC_ALL: 'C', NODE_OPTIONS: '', PATH };
  const { stdout } = spawnSync('sh', ['-c', `exec 2>&1; ${command}`], { cwd: root, encoding: 'utf8', env });
  return stdout.trimEnd();
}

suite('docs/namespaces.md prints what the kernel says', () => {
  for (const command of commands) {
    const needs = NEEDS.filter(([names]) => names.test(command.command)).map(([, need]) => need);
    const title = `${command.chapter}, line ${command.line}: ${command.command.split('\n')[0]?.slice(0, 80)}`;
    scenario(title, needs, () => {
      expect(run(command)).toMatch(pattern(command.output));
      return Promise.resolve();
    });
  }

  test('every chapter shows something, and no value of this machine is written', () => {
    const shown = new Set(commands.map(({ chapter }) => chapter));
    const chapters = [...document.matchAll(/^#{2,3} (.+)$/gm)].map(([, title = '']) => title);
    // These two have their commands in the chapters below them.
    expect(chapters.filter((title) => !shown.has(title))).toEqual(['IPC namespace', 'Network namespace']);
    const outside = commands.filter(
      ({ command }) => !command.includes('unshare') && /(>|tee) *\/proc\/sys/.test(command),
    );
    expect(outside).toEqual([]);
    expect(commands.length).toBeGreaterThan(45);
  });
});

describe('a command of a document', () => {
  const text = [
    '# A',
    '```console',
    '$ one',
    '> two',
    'out <number>',
    '',
    'end',
    '$ three',
    '```',
    '```sh',
    '$ not this',
    '```',
  ].join('\n');

  test('has its lines, its output and its chapter', () => {
    expect(commandsOf(text)).toEqual([
      { line: 3, chapter: 'A', command: 'one\ntwo', output: 'out <number>\n\nend\n' },
      { line: 8, chapter: 'A', command: 'three', output: '' },
    ]);
  });

  test.each([
    ['out <number>\n\nend\n', 'out -12\n\nend', true],
    ['out <number>', 'out x', false],
    ['a\tb', 'a b', true],
    ['1 0', '1 0 0', false],
    ['a.b*', 'a.b*', true],
    ['a.b', 'axb', false],
    ['', 'anything', false],
  ])('that is said to print %j, and prints %j: %s', (said, printed, right) => {
    expect(pattern(said).test(printed)).toBe(right);
  });
});
