/**
 * The agent's own code on the kernel of this process's namespaces, one command per line:
 * `node driver.ts STATE_DIR [KILL_AT]`. With KILL_AT the process ends itself with SIGKILL before its n-th effect on the
 * ledger's file or the kernel.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { durableFiles, type DurableFiles } from '../../../operator/agent/durable-file.ts';
import { Enforcer } from '../../../operator/agent/enforcer.ts';
import { ProcSys, type KernelParameters } from '../../../operator/agent/kernel.ts';
import { Ledger } from '../../../operator/agent/ledger.ts';
import type { NamedRevision } from '../../../operator/agent/revisions.ts';
import { procPath } from '../../../operator/sysctl/names.ts';
import type { Answer, Command } from './protocol.ts';

const [stateDir = '', killAt = '0', bootID = ''] = process.argv.slice(2);
const effects: string[] = [];

function effect(name: string): void {
  effects.push(name);
  if (effects.length === Number(killAt)) process.kill(process.pid, 'SIGKILL');
}

const procSys = new ProcSys();
const kernel: KernelParameters = {
  read: (name) => procSys.read(name),
  write: (name, value) => {
    effect(`write ${name}`);
    procSys.write(name, value);
  },
  hold: (names) => procSys.hold(names),
  bootID: () => bootID || procSys.bootID(),
  release: () => procSys.release(),
};
const files: DurableFiles = {
  read: (file) => durableFiles.read(file),
  write: (file, content) => {
    effect('ledger');
    durableFiles.write(file, content);
  },
};
const enforcer = new Enforcer(kernel, Ledger.open(join(stateDir, 'ledger.json'), kernel.bootID(), files));
const file = (name: string): string => join('/proc/sys', procPath(name));

function perform(command: Command): Answer {
  effects.length = 0;
  switch (command.do) {
    case 'apply': {
      const revision: NamedRevision = command.revision;
      const outcome = enforcer.apply(revision);
      return { outcome, originals: enforcer.originals, effects: [...effects] };
    }
    case 'sweep': {
      const outcome = enforcer.sweep();
      return { ...(outcome && { outcome }), originals: enforcer.originals, effects: [...effects] };
    }
    case 'read':
      return { value: readFileSync(file(command.name), 'utf8').trimEnd() };
    case 'foreign':
      writeFileSync(file(command.name), `${command.value}\n`);
  }
  return {};
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(perform(JSON.parse(line) as Command))}\n`);
