/**
 * `node apply-rounds.cjs FOLDER ROUNDS`, bundled as the agent is, in namespaces, with names of sysctls on standard input: sets all of them to another value again
 * and again, by the agent's own code and by others in turn; prints the times in ms as JSON. The agent's code runs in a process of its own
 * (`apply-rounds.cjs FOLDER`): one that starts others copies its memory afterwards, page by page, as it is written to. An agent starts none.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Enforcer } from '../../operator/agent/enforcer.ts';
import { ProcSys } from '../../operator/agent/kernel.ts';
import { Ledger } from '../../operator/agent/ledger.ts';
import { revision } from '../../test/kernel/support/revision.ts';

const SYSTEMD_SYSCTL = '/usr/lib/systemd/systemd-sysctl';
const [folder = '', rounds] = process.argv.slice(2);
const namesFile = join(folder, 'names');
const file = join(folder, 'sysctl.conf');

/** Applies each value that comes as a line, and answers with the time that it took. */
async function agent(): Promise<void> {
  const names = readFileSync(namesFile, 'utf8').split('\n');
  const kernel = new ProcSys();
  const enforcer = new Enforcer(kernel, Ledger.open(join(folder, 'ledger.json'), kernel.bootID()));
  for await (const value of createInterface(process.stdin)) {
    const wanted = revision(`bench-${value}`, ...names.map((name) => ({ name, value })));
    const started = performance.now();
    enforcer.apply(wanted);
    process.stdout.write(`${performance.now() - started}\n`);
  }
}

/** How long a program takes, from its start to its end. */
function spawned(program: string, ...args: string[]): number {
  const started = performance.now();
  const { status, error, stderr } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${program}: ${String(stderr)}`, { cause: error });
  return performance.now() - started;
}

async function referee(): Promise<void> {
  const names = readFileSync(0, 'utf8').split('\n').filter(Boolean);
  writeFileSync(namesFile, names.join('\n'));
  const kernel = new ProcSys();
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  const contenders: Record<string, (value: string) => number | Promise<number>> = {
    agent: async (value) => {
      child.stdin.write(`${value}\n`);
      return Number((await answers.next()).value);
    },
    'sysctl -p': () => spawned('sysctl', '-q', '-p', file),
    'systemd-sysctl': () => spawned(SYSTEMD_SYSCTL, file),
    'a process that does nothing': () => spawned('true'),
  };
  const times: Record<string, number[]> = {};
  let turn = 0;
  for (let round = 0; round < Number(rounds); round++)
    for (const [name, set] of Object.entries(contenders)) {
      const value = String(100 + (turn++ % 50));
      writeFileSync(file, names.map((key) => `${key} = ${value}\n`).join(''));
      (times[name] ??= []).push(await set(value));
      const wrong = names.find((key) => kernel.read(key) !== value);
      if (wrong !== undefined && !name.startsWith('a process'))
        throw new Error(`${name} has not set ${wrong} to ${value}`);
    }
  child.stdin.end();
  process.stdout.write(JSON.stringify(times));
}

void (rounds === undefined ? agent() : referee());
