/**
 * What an agent costs its node: the bundle of the image against a real kube-apiserver, in namespaces of its own, with 200 keys; beside an
 * empty Node.js program, TuneD with the same keys, and `sysctl -p` every ten seconds, which is what people run instead.
 *   npm run bench:agent -- [--keys 200] [--seconds 300] [--settle 60] [--json FILE]      as root
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AGENT_NODE_FLAGS } from '../operator/manager/daemon-set.ts';
import { procPath } from '../operator/sysctl/names.ts';
import type { TestApiServer } from '../test/cluster/support/api-server.ts';
import { ensurePrograms } from '../test/cluster/tool/packages.ts';
import { onPath } from '../test/cluster/tool/shell.ts';
import { agentEnvironment, benchApiServer, BUNDLE, stateOf } from './support/agent-node.ts';
import { Cgroup, type Figures } from './support/cgroup.ts';
import { Namespaces } from './support/namespaces.ts';
import { benchOptions, report, type Row } from './support/report.ts';
import { now, WatchedValue } from './support/watched-value.ts';

const VALUE = '17';
const options = benchOptions({ keys: '200', seconds: '300', settle: '60' });
const [keys, seconds, settle] = [options.keys, options.seconds, options.settle].map(Number) as [
  number,
  number,
  number,
];

interface Contender {
  name: string;
  command: readonly string[];
  env?: Record<string, string>;
  /** It sets the keys. */
  applies: boolean;
  /** Its requests, where it sends any. */
  requests?: () => Promise<number>;
}

class Running {
  readonly contender: Contender;
  readonly cgroup: Cgroup;
  readonly #namespaces: Namespaces;
  #child: ChildProcess | undefined;
  #first: number | undefined;
  #before: { figures: Figures; requests: number | undefined } | undefined;

  constructor(contender: Contender, namespaces: Namespaces) {
    this.contender = contender;
    this.#namespaces = namespaces;
    this.cgroup = new Cgroup(contender.name.replaceAll(/\W+/g, '-'));
  }

  async start(): Promise<void> {
    const { command, env, applies } = this.contender;
    const { names, through } = this.#namespaces;
    const file = join('/proc/sys', procPath(names.at(-1) ?? ''));
    const value = applies ? new WatchedValue(through, file, VALUE) : undefined;
    await value?.ready;
    const started = now();
    const [program, ...args] = [...this.cgroup.through, ...through, ...command] as const;
    this.#child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { PATH: process.env['PATH'], ...env },
    });
    if (value) this.#first = (await value.reached) - started;
    value?.close();
  }

  async begin(): Promise<void> {
    this.#before = { figures: this.cgroup.figures(), requests: await this.contender.requests?.() };
  }

  async row(): Promise<Row> {
    const { name, requests } = this.contender;
    const { rss, anonymous, workingSet, cpuMs, switches } = this.cgroup.figures();
    const before = this.#before;
    const perMinute = 60 / seconds;
    return {
      what: name,
      'RSS, MiB': rss,
      'anonymous, MiB': anonymous,
      'working set, MiB': workingSet,
      'CPU, ms/min': (cpuMs - (before?.figures.cpuMs ?? 0)) * perMinute,
      'switches/min': (switches - (before?.figures.switches ?? 0)) * perMinute,
      requests: requests ? (await requests()) - (before?.requests ?? 0) : '-',
      'all set after, ms': this.#first ?? '-',
    };
  }

  async close(): Promise<void> {
    this.#child?.kill();
    await this.cgroup.close();
    await this.#namespaces.close();
  }
}

async function agent(server: TestApiServer, namespaces: Namespaces): Promise<Contender> {
  const values = Object.fromEntries(namespaces.names.map((name) => [name, VALUE]));
  const { node, env } = await agentEnvironment(server, namespaces.folder, values);
  return {
    name: 'agent',
    command: [process.execPath, ...AGENT_NODE_FLAGS, BUNDLE, 'agent'],
    env: { ...env, LOG_LEVEL: 'warn', MALLOC_ARENA_MAX: '1' },
    applies: true,
    requests: async () => {
      const { sysctls } = (await stateOf(server, node)).status ?? {};
      if (sysctls?.inSync !== keys) throw new Error(`the agent has ${sysctls?.inSync} of ${keys} keys`);
      const ofNode = (await server.audit()).filter(({ user }) => user.username.includes('agent'));
      return ofNode.filter(({ stage }) => stage === 'ResponseComplete').length;
    },
  };
}

function sysctlLoop({ folder, names }: Namespaces): Contender {
  const file = join(folder, 'sysctl.conf');
  writeFileSync(file, names.map((name) => `${name} = ${VALUE}\n`).join(''));
  const loop = `while :; do sysctl -q -p ${file}; sleep 10; done`;
  return { name: 'sysctl -p every 10 s', command: ['sh', '-c', loop], applies: true };
}

/** Its profiles are looked for in /etc/tuned: of the mount namespace. */
async function tuned(namespaces: Namespaces): Promise<Contender> {
  await ensurePrograms({ tuned: 'tuned' });
  const own = join(namespaces.folder, 'tuned');
  cpSync('/etc/tuned', own, { recursive: true });
  const lines = namespaces.names.map((name) => `${name}=${VALUE}\n`).join('');
  // Where a profile is looked for has changed between versions.
  for (const profile of [join(own, 'profiles', 'bench'), join(own, 'bench')]) {
    mkdirSync(profile, { recursive: true });
    writeFileSync(join(profile, 'tuned.conf'), `[main]\nsummary=bench\n[sysctl]\n${lines}`);
  }
  await namespaces.run('mount', '--bind', own, '/etc/tuned');
  return {
    name: 'TuneD',
    command: [onPath('tuned') ?? '/usr/sbin/tuned', '--no-dbus', '--profile', 'bench'],
    applies: true,
  };
}

const empty = (): Contender => ({
  name: 'empty Node.js program',
  command: [process.execPath, '-e', 'setInterval(() => {}, 10000)'],
  applies: false,
});

const folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-bench-agent-'));
const running: Running[] = [];
let server: TestApiServer | undefined;
try {
  const api = (server = await benchApiServer(folder));
  for (const make of [(n: Namespaces) => agent(api, n), tuned, sysctlLoop, empty]) {
    // One after the other: the time to the first value is nobody else's.
    const namespaces = await Namespaces.make(keys, Number(new URL(api.url).port));
    const one = new Running(await make(namespaces), namespaces);
    running.push(one);
    await one.start();
  }
  await sleep(settle * 1000);
  for (const one of running) await one.begin();
  await sleep(seconds * 1000);
  const rows: Row[] = [];
  for (const one of running) rows.push(await one.row());
  report('agent', rows, options.json);
} finally {
  for (const one of running) await one.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
}
