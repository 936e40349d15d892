/**
 * `node apply-rounds.cjs FOLDER ROUNDS`, bundled as the agent is, in namespaces, with names of sysctls on standard input: sets all of them to another value again
 * and again, by the agent's own code and by others in turn; prints the times in ms as JSON.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Enforcer } from '../../operator/agent/enforcer.ts';
import { ProcSys } from '../../operator/agent/kernel.ts';
import { Ledger } from '../../operator/agent/ledger.ts';
import { revision } from '../../test/kernel/support/revision.ts';

const SYSTEMD_SYSCTL = '/usr/lib/systemd/systemd-sysctl';
const [folder = '', rounds = ''] = process.argv.slice(2);
const names = readFileSync(0, 'utf8').split('\n').filter(Boolean);
const kernel = new ProcSys();
const enforcer = new Enforcer(kernel, Ledger.open(join(folder, 'ledger.json'), kernel.bootID()));
const file = join(folder, 'sysctl.conf');

function spawned(program: string, ...args: string[]): () => void {
  return () => {
    const { status, error, stderr } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    if (status !== 0) throw new Error(`${program}: ${String(stderr)}`, { cause: error });
  };
}

/** Each gets the value in its own form first, outside of the time. */
const contenders: Record<string, (value: string) => () => void> = {
  agent: (value) => {
    const wanted = revision(`bench-${value}`, ...names.map((name) => ({ name, value })));
    return () => enforcer.apply(wanted);
  },
  'sysctl -p': () => spawned('sysctl', '-q', '-p', file),
  'systemd-sysctl': () => spawned(SYSTEMD_SYSCTL, file),
  'a process that does nothing': () => spawned('true'),
};

const times: Record<string, number[]> = {};
let turn = 0;
for (let round = 0; round < Number(rounds); round++)
  for (const [name, prepare] of Object.entries(contenders)) {
    const value = String(100 + (turn++ % 50));
    writeFileSync(file, names.map((key) => `${key} = ${value}\n`).join(''));
    const set = prepare(value);
    const started = performance.now();
    set();
    (times[name] ??= []).push(performance.now() - started);
    const wrong = names.find((key) => kernel.read(key) !== value);
    if (wrong !== undefined && !name.startsWith('a process'))
      throw new Error(`${name} has not set ${wrong} to ${value}`);
  }
process.stdout.write(JSON.stringify(times));
