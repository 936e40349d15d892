import { describe, expect, test } from '@jest/globals';
import { commands, overview } from '../../operator/cli/program.ts';
import { cli } from './support/cli.ts';

const OFFLINE = ['explain', 'lint', 'render', 'adopt', 'completion'];

describe('the command line', () => {
  test('without a command teaches, as with --help and help', async () => {
    const runs = await Promise.all([[], ['--help'], ['help'], ['-h']].map((args) => cli(args)));
    for (const { status, out, err } of runs)
      expect({ status, out, err }).toEqual({ status: 0, out: overview, err: '' });
    for (const { name, summary } of commands)
      expect(overview).toMatch(new RegExp(`^  ${name} +${summary}$`, 'm'));
  });

  test.each(OFFLINE)('%s has a page with examples, however it is asked for', async (name) => {
    const [before, behind, short] = await Promise.all([
      cli(['help', name]),
      cli([name, '--help']),
      cli([name, 'x', '-h']),
    ]);
    expect(before.status).toBe(0);
    expect(before.out).toMatch(new RegExp(`^Usage: kubectl sysctl ${name} `));
    expect(before.out).toMatch(new RegExp(`^  .*kubectl[ -]sysctl ${name} `, 'm'));
    expect([behind, short]).toEqual([before, before]);
  });

  test('an unknown command is told with the nearest one', async () => {
    expect(await cli(['explian', 'vm.swappiness'])).toEqual({
      status: 2,
      out: '',
      err: 'kubectl sysctl: unknown command "explian"; did you mean explain?\n',
    });
    expect((await cli(['frobnicate'])).err).toContain('there are explain, lint');
  });

  test('a wrong option is told with the nearest one and the way to the page', async () => {
    const { status, err } = await cli(['lint', '--ouput', 'json', 'x']);
    expect(status).toBe(2);
    expect(err).toBe(
      'kubectl sysctl: lint: unknown option --ouput; did you mean --output?\nSee: kubectl sysctl lint --help\n',
    );
  });

  test.each([
    [['explain', '-o', 'yaml', 'x'], '-o takes text, json, not "yaml"'],
    [['lint', '-o'], '--output needs a value: text, json, sarif'],
    [['explain', '--all=yes'], '--all takes no value'],
    [['explain'], 'name a sysctl, or use --all'],
    [['explain', '--all', 'vm.swappiness'], '--all takes no names'],
    [['lint'], 'name a file'],
    [['render', 'x'], '--to says which format: sysctl.d, docker'],
    [['completion', 'tcsh'], 'name one shell: bash, zsh, fish'],
  ])('%j says what to write instead', async (args, message) => {
    const { status, out, err } = await cli(args);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toContain(message);
  });

  test('a file that is not there is named', async () => {
    expect(await cli(['lint', 'nowhere.yaml'])).toEqual({
      status: 2,
      out: '',
      err: 'kubectl sysctl: nowhere.yaml: there is no such file\n',
    });
  });
});
