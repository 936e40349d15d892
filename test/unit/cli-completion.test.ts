import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { commands } from '../../operator/cli/program.ts';
import { cli } from './support/cli.ts';

/** Candidates without descriptions, and the word for the shell. */
async function complete(...words: string[]): Promise<{ candidates: string[]; directive: string }> {
  const lines = (await cli(['__complete', ...words])).out.trimEnd().split('\n');
  return {
    candidates: lines.slice(0, -1).map((line) => line.split('\t')[0] ?? ''),
    directive: lines.at(-1) ?? '',
  };
}

describe('what the tab key offers', () => {
  test('are the commands first', async () => {
    expect(await complete('')).toEqual({ candidates: commands.map(({ name }) => name), directive: ':4' });
    expect((await complete('ex')).candidates).toEqual(['explain']);
  });

  test('are the names of sysctls for explain', async () => {
    const { candidates, directive } = await complete('explain', 'vm.swappiness', 'vm.dirty_b');
    expect({ candidates, directive }).toEqual({
      candidates: expect.arrayContaining(['vm.dirty_background_ratio', 'vm.dirty_bytes']),
      directive: ':4',
    });
    expect(candidates.filter((name) => !name.startsWith('vm.dirty_b'))).toEqual([]);
  });

  test('are options, and the values of the option before', async () => {
    expect((await complete('lint', '--')).candidates).toEqual(['--output', '--severity', '--help']);
    expect((await complete('lint', '-o', '')).candidates).toEqual(['text', 'json', 'sarif']);
    expect((await complete('render', 'p.yaml', '--to', 'b')).candidates).toEqual(['bottlerocket']);
  });

  test('are files where files are meant', async () => {
    expect(await complete('lint', '')).toEqual({ candidates: [], directive: ':0' });
  });

  test('is nothing after a command that does not exist', async () => {
    expect(await complete('frobnicate', '')).toEqual({ candidates: [], directive: ':4' });
  });
});

test('the script for bash fills in what the program answers', async () => {
  const { out } = await cli(['completion', 'bash']);
  const stub = String.raw`kubectl-sysctl() { printf '%s\n' "[$*]" 'vm.swappiness	how readily' ':4'; }`;
  const use = `COMP_WORDS=(kubectl-sysctl explain vm.sw); COMP_CWORD=2; _kubectl_sysctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', `${stub}\n${out}\n${use}`], { encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: '[__complete explain vm.sw]\nvm.swappiness\n', stderr: '' });
});

test.each(['zsh', 'fish'])('the script for %s asks the same program', async (shell) => {
  const { status, out } = await cli(['completion', shell]);
  expect(status).toBe(0);
  expect(out).toContain('kubectl-sysctl __complete');
});
