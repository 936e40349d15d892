/** What the agent does where its own files are damaged or cannot be written: the agent itself, on real namespaces and a real API server. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeSysctlStateStatus } from '../../operator/api/state.ts';
import { nothing, revision } from '../kernel/support/revision.ts';
import type { Life } from '../walk/life.ts';
import { WalkedNode } from '../walk/walked-node.ts';
import type { TestApiServer } from './support/api-server.ts';
import { installed } from './support/installation.ts';
import { until } from './support/wait.ts';

const NAME = 'kernel.msgmax';
const ORIGINAL = '8192';
const one = revision('one', { name: NAME, value: '10000' });
const two = revision('two', { name: NAME, value: '20000' });

let server: TestApiServer;
let node: WalkedNode;

beforeAll(async () => {
  server = await installed();
  node = await WalkedNode.make(server);
  for (const { name, data } of [nothing, one, two]) await node.createRevision(name, data);
}, 300_000);
afterAll(async () => {
  await node?.remove();
  await server?.close();
});

const start = (): Life => node.agent({ sweepSeconds: 1 });
const value = async (): Promise<string | undefined> => (await node.read(NAME))[NAME];
const file = (name: string): string => join(node.stateDir, name);

type Ready = { reason: string; message: string; status: string } | undefined;
const readyOf = (status: NodeSysctlStateStatus | undefined): Ready =>
  status?.conditions?.find(({ type }) => type === 'Ready');

const untilAt = (name: string): Promise<unknown> =>
  node.untilState(
    `the node is at ${name}`,
    ({ status }) => status?.observedRevision === name && readyOf(status)?.status === 'True',
  );

const untilValue = (wanted: string): Promise<void> =>
  until(`${NAME} is ${wanted}`, async () => (await value()) === wanted);

/** Resolves with the message once the agent says that it cannot act; the API server has seen the generation that it speaks of. */
async function untilStuck(reason: string): Promise<{ message: string; originals: unknown }> {
  const { status } = await node.untilState(`the agent says ${reason}`, ({ status: now, metadata }) => {
    const ready = now?.conditions?.find(({ type }) => type === 'Ready');
    return ready?.reason === reason && ready.observedGeneration === metadata.generation;
  });
  return { message: readyOf(status)?.message ?? '', originals: status?.originals };
}

/** Brings the node to a revision by an agent that ends then. */
async function broughtTo(name: string): Promise<void> {
  const agent = start();
  await node.want(name);
  await untilAt(name);
  await agent.stop();
}

/** A second or two of sweeps later it still runs, says nothing else, and has done nothing. */
async function expectCalm(agent: Life, live: string): Promise<void> {
  const lines = agent.log.split('\n').length;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect([agent.ended, await value()]).toEqual([undefined, live]);
  expect(agent.log.split('\n').length - lines).toBeLessThanOrEqual(1);
  expect(agent.done.filter((effect) => effect.startsWith('write /proc/sys'))).toEqual([]);
}

/** A ledger with other members. */
const withMembers =
  (change: object) =>
  (text: string): string =>
    JSON.stringify({ ...(JSON.parse(text) as object), ...change });
const fill = (): Promise<string> =>
  node.run('sh', '-c', `cat /dev/zero > ${file('ballast')} 2>/dev/null || true`);

describe('a ledger that is damaged while no agent runs', () => {
  let whole: string;
  let mended: boolean;

  beforeEach(async () => {
    await broughtTo('one');
    whole = await readFile(file('ledger.json'), 'utf8');
    mended = false;
  });
  afterEach(async () => {
    await node.stop();
    if (!mended) await mend();
    await broughtTo('nothing');
    await untilValue(ORIGINAL);
  });

  const mend = async (): Promise<void> => {
    await rm(file('ledger.json'), { recursive: true, force: true });
    await writeFile(file('ledger.json'), whole);
    mended = true;
  };

  test.each<[string, (text: string) => string, RegExp]>([
    ['empty', () => '', /is cut or not JSON/],
    ['cut in the middle', (text) => text.slice(0, text.length / 2), /is cut or not JSON/],
    ['full of zeros', (text) => '\0'.repeat(text.length), /is cut or not JSON/],
    ['of a newer version', withMembers({ version: 2 }), /has version 2, this agent knows 1/],
    ['with a list for its entries', withMembers({ entries: [] }), /lacks bootID or entries/],
    [
      'with an entry that is none',
      withMembers({ entries: { [NAME]: { original: 1, written: '10000' } } }),
      /the entry of kernel\.msgmax lacks/,
    ],
  ])(
    '%s: nothing is changed, the status says what to do, and once it is mended all goes on',
    async (_what, damage, message) => {
      await writeFile(file('ledger.json'), damage(whole));
      const damaged = await readFile(file('ledger.json'), 'utf8');
      await node.want('two');
      const agent = start();
      const stuck = await untilStuck('LedgerUnreadable');
      expect(stuck.message).toMatch(message);
      expect(stuck.message).toMatch(
        /ledger\.json.*no sysctl is changed until it is mended; see docs\/troubleshooting\.md/,
      );
      // What the ledger said before is in the state still: the way to mend it needs that.
      expect(stuck.originals).toEqual({ [NAME]: ORIGINAL });
      await expectCalm(agent, '10000');
      expect(await readFile(file('ledger.json'), 'utf8')).toBe(damaged);
      await mend();
      await untilAt('two');
      expect([await value(), agent.ended]).toEqual(['20000', undefined]);
    },
  );

  test('a folder in its place: the same', async () => {
    await rm(file('ledger.json'));
    await mkdir(file('ledger.json'));
    await node.want('two');
    const agent = start();
    expect((await untilStuck('LedgerUnreadable')).message).toMatch(
      /ledger\.json cannot be read; no sysctl is changed/,
    );
    await expectCalm(agent, '10000');
    await mend();
    await untilAt('two');
  });
});

describe('other files of the agent that are damaged', () => {
  afterEach(async () => {
    await node.stop();
    await rm(file('kubelet.json'), { force: true });
    await broughtTo('nothing');
  });

  test('a last revision that nobody can read, and temporary files of a killed agent, do not matter', async () => {
    await broughtTo('one');
    await writeFile(file('revision.json'), '{"name":"one","data":{"sysctls":[5');
    for (const name of ['ledger.json', 'revision.json', 'kubelet.json'])
      await writeFile(file(`${name}.tmp`), '{"ver');
    start();
    await node.want('two');
    await untilAt('two');
    expect(await value()).toBe('20000');
  });

  test.each([
    ['cut', '{"version":1,"path":"/etc/kub'],
    ['of a newer version', '{"version":2}'],
    [
      'with a change that is none',
      '{"version":1,"path":"/a","kind":"main","unit":"kubelet.service","ours":[],"change":{"edits":[null],"ours":[]}}',
    ],
  ])(
    "a record of the kubelet's configuration that is %s: sysctls are set, the kubelet is left alone, and the status says so",
    async (_what, text) => {
      await writeFile(file('kubelet.json'), text);
      const agent = start();
      await node.want('one');
      const { message } = await untilStuck('KubeletFailed');
      expect(message).toMatch(
        /kubelet\.json cannot be read: nothing is changed in the kubelet's configuration; see docs\/troubleshooting\.md/,
      );
      expect([await value(), agent.ended, await readFile(file('kubelet.json'), 'utf8')]).toEqual([
        '10000',
        undefined,
        text,
      ]);
      await rm(file('kubelet.json'));
      await untilAt('one');
    },
  );
});

describe('a disk that does not take the ledger', () => {
  /** Of a disk of its own under the agent's folder, as small as they come. */
  beforeEach(async () => {
    await node.run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', node.stateDir);
  });
  afterEach(async () => {
    await node.stop();
    await node.run('umount', node.stateDir);
    await node.run('sysctl', '-q', '-w', `${NAME}=${ORIGINAL}`);
  });
  test('because it is full: nothing is set before there is space, and then by the same agent', async () => {
    await fill();
    const agent = start();
    await node.want('one');
    expect((await untilStuck('LedgerUnreadable')).message).toMatch(
      /ledger\.json cannot be written: no sysctl is changed until it can \(ENOSPC/,
    );
    await expectCalm(agent, ORIGINAL);
    expect((await node.run('ls', node.stateDir)).trim()).toBe('ballast');
    await node.run('rm', file('ballast'));
    await untilAt('one');
    expect(await value()).toBe('10000');
  });

  test('because it became full: what is set stays, what is to go is put back, and the ledger follows', async () => {
    const agent = start();
    await node.want('one');
    await untilValue('10000');
    await fill();
    await node.want('two');
    await untilStuck('LedgerUnreadable');
    expect(await value()).toBe('10000');
    await node.run('rm', file('ballast'));
    await untilValue('20000');
    await untilAt('two');
    await fill();
    await node.want('nothing');
    await untilValue(ORIGINAL);
    await untilStuck('LedgerUnreadable');
    await node.run('rm', file('ballast'));
    await untilAt('nothing');
    expect(JSON.parse(await node.run('cat', file('ledger.json')))).toMatchObject({ entries: {} });
    expect(agent.ended).toBeUndefined();
  });

  test('because it is read-only: the same', async () => {
    await node.run('mount', '-o', 'remount,ro', node.stateDir);
    const agent = start();
    await node.want('one');
    expect((await untilStuck('LedgerUnreadable')).message).toMatch(/cannot be written: .*EROFS/);
    await expectCalm(agent, ORIGINAL);
    await node.run('mount', '-o', 'remount,rw', node.stateDir);
    await untilAt('one');
  });

  test('because its folder is a file: the same', async () => {
    const folder = join(node.stateDir, 'sysctl-operator');
    await node.run('touch', folder);
    const agent = node.agent({ sweepSeconds: 1, stateDir: folder });
    await node.want('two');
    expect((await untilStuck('LedgerUnreadable')).message).toMatch(
      /ledger\.json cannot be read; no sysctl is changed/,
    );
    await expectCalm(agent, ORIGINAL);
    await node.run('rm', folder);
    await untilAt('two');
    expect(await value()).toBe('20000');
  });
});
