/**
 * The agent is killed with -9 before each of its effects on the world, as the program itself enumerates them (test/walk/), on real
 * namespaces and a real API server; the one that is started after it must bring the node to where it belongs.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { isDeepStrictEqual } from 'node:util';
import type { RevisionData } from '../../operator/api/revision.ts';
import type { NodeSysctlState } from '../../operator/api/state.ts';
import { nothing, revision, type EntryDraft } from '../kernel/support/revision.ts';
import type { Life } from '../walk/life.ts';
import { stepName } from '../walk/steps.ts';
import { untilKilled, untilQuiet } from '../walk/walk.ts';
import { WalkedNode } from '../walk/walked-node.ts';
import type { TestApiServer } from './support/api-server.ts';
import { installed } from './support/installation.ts';
import { until } from './support/wait.ts';

/** The kernel's own, in new namespaces. */
const DEFAULTS = {
  'kernel.msgmax': '8192',
  'kernel.sem': '32000 1024000000 500 32000',
  'net.core.somaxconn': '4096',
  'net.ipv4.ipfrag_high_thresh': '4194304',
  'net.ipv4.ipfrag_low_thresh': '3145728',
  'net.ipv4.tcp_syn_retries': '6',
};
type Values = Partial<Record<keyof typeof DEFAULTS, string>>;

const MSGMAX = 'kernel.msgmax';
const SOMAXCONN = 'net.core.somaxconn';
const thresholds = (low: string, high: string): EntryDraft[] => [
  { name: 'net.ipv4.ipfrag_low_thresh', value: low },
  { name: 'net.ipv4.ipfrag_high_thresh', value: high },
];
/** More than this kernel takes. */
const REFUSED: EntryDraft = { name: 'net.ipv4.tcp_syn_retries', value: '100000' };

const revisions: Record<string, RevisionData> = Object.fromEntries(
  [
    nothing,
    revision(
      'one',
      { name: MSGMAX, value: '10000' },
      { name: SOMAXCONN, value: '1000' },
      ...thresholds('1000', '2000'),
      REFUSED,
    ),
    // The pair goes over its old high value, one key changes, one goes, one comes.
    revision(
      'two',
      { name: MSGMAX, value: '20000' },
      { name: 'kernel.sem', value: '250 32000 100 128' },
      ...thresholds('9000000', '9500000'),
    ),
  ].map(({ name, data }) => [name, data]),
);

const ONE: Values = {
  [MSGMAX]: '10000',
  [SOMAXCONN]: '1000',
  'net.ipv4.ipfrag_low_thresh': '1000',
  'net.ipv4.ipfrag_high_thresh': '2000',
};
const TWO: Values = {
  [MSGMAX]: '20000',
  'kernel.sem': '250 32000 100 128',
  'net.ipv4.ipfrag_low_thresh': '9000000',
  'net.ipv4.ipfrag_high_thresh': '9500000',
};

interface Scenario {
  name: string;
  before: string;
  /** By another hand, while no agent runs. */
  foreign?: Values;
  /** By another hand, once the agent has done what it has to. */
  drift?: Values;
  wanted: string;
  /** What differs from the defaults at the end. */
  values: Values;
  /** Of these the originals must be known. */
  changed: Values;
  ready: 'True' | 'False';
}

const SCENARIOS: Scenario[] = [
  {
    name: 'the first revision, of which the kernel refuses one key',
    before: 'nothing',
    wanted: 'one',
    values: ONE,
    changed: ONE,
    ready: 'False',
  },
  {
    name: 'another revision: keys change, go and come',
    before: 'one',
    wanted: 'two',
    values: TWO,
    changed: TWO,
    ready: 'True',
  },
  {
    name: 'the leave, where somebody else has a key by now',
    before: 'two',
    foreign: { [MSGMAX]: '12345' },
    wanted: 'nothing',
    values: { [MSGMAX]: '12345' },
    changed: {},
    ready: 'True',
  },
  {
    name: 'drift, found by a sweep',
    before: 'two',
    drift: { [MSGMAX]: '5000', 'kernel.sem': '251 32000 100 128' },
    wanted: 'two',
    values: TWO,
    changed: TWO,
    ready: 'True',
  },
];

const isAt =
  (name: string) =>
  (state: NodeSysctlState): boolean => {
    const ready = state.status?.conditions?.find(({ type }) => type === 'Ready');
    return state.status?.observedRevision === name && ready?.observedGeneration === state.metadata.generation;
  };

let server: TestApiServer;
let node: WalkedNode;
/** Everything that any of the walks was killed before. */
const walked = new Set<string>();

beforeAll(async () => {
  server = await installed();
  node = await WalkedNode.make(server);
  for (const [name, data] of Object.entries(revisions)) await node.createRevision(name, data);
}, 300_000);
afterAll(async () => {
  await node?.remove();
  await server?.close();
});

// Also after a failure: one agent would wait for the end of the other.
afterEach(() => node?.stop());

const values = (): Promise<Record<string, string>> => node.read(...Object.keys(DEFAULTS));
const write = async (some: Values = {}): Promise<void> => {
  for (const [name, value] of Object.entries(some)) await node.write(name, value);
};

/** Brings the node to where the walked change begins; no agent runs then. */
async function prepare({ before, foreign }: Scenario, agent = node.agent()): Promise<void> {
  await node.want(before);
  await node.untilState(`the node is at ${before}`, isAt(before));
  await agent.stop();
  await write(foreign);
}

/** What is to happen while the agent runs. */
async function act({ wanted, drift }: Scenario, agent: Life): Promise<void> {
  await node.want(wanted);
  if (!drift) return;
  await node.untilState('told', () => agent.ended !== undefined || agent.log.includes('revision applied'));
  await write(drift);
}

/** Writes of a sysctl that were done more than once, though not refused. */
const twice = (lives: readonly Life[]): string[] => {
  const writes = lives.flatMap(({ done }) => done).filter((effect) => effect.startsWith('write /proc/sys/'));
  return writes.filter((effect, i) => writes.indexOf(effect) !== i && !effect.endsWith('/tcp_syn_retries'));
};

const originalsOf = (changed: Values): Values =>
  Object.fromEntries(Object.keys(changed).map((name) => [name, DEFAULTS[name as keyof Values]]));

const spaced = (tabbed: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(tabbed).map(([name, value]) => [name, value.replaceAll('\t', ' ')]));

async function expectEnd(
  { wanted, values: end, changed, ready }: Scenario,
  lives: readonly Life[],
): Promise<void> {
  const { status } = await node.untilState(`the node is at ${wanted}`, isAt(wanted));
  // A sweep may have to come first.
  const all = { ...DEFAULTS, ...end };
  await until(`the values are ${JSON.stringify(all)}`, async () => isDeepStrictEqual(await values(), all));
  const { entries = {} } = await node.ledger();
  expect({
    ready: status?.conditions?.[0]?.status,
    originals: spaced(status?.originals),
    ledger: Object.keys(entries).toSorted(),
    twice: twice(lives),
  }).toEqual({
    ready,
    originals: originalsOf(changed),
    ledger: Object.keys(changed).toSorted(),
    twice: [],
  });
}

/** From wherever the node is: every value as it was before the operator. */
async function expectGivenBack(foreign: Values = {}): Promise<void> {
  await node.want('nothing');
  const { status } = await node.untilState('the node is given back', isAt('nothing'));
  expect(await values()).toEqual({ ...DEFAULTS, ...foreign });
  expect([status?.originals, (await node.ledger()).entries]).toEqual([{}, {}]);
}

describe.each(SCENARIOS)('$name', (scenario) => {
  const sweepSeconds = scenario.drift ? 1 : 60;

  test('ends as it should, also when the agent is killed before any of its steps', async () => {
    await prepare(scenario);
    const whole = node.agent({ sweepSeconds });
    await act(scenario, whole);
    await expectEnd(scenario, [whole]);
    await untilQuiet(whole);
    const { steps } = whole;
    expect(steps.length).toBeGreaterThan(10);
    let living = whole;
    for (const end of steps) {
      try {
        await expectGivenBack(scenario.foreign);
        await write(DEFAULTS);
        await prepare(scenario, living);
        const killed = node.agent({ end, sweepSeconds });
        await act(scenario, killed);
        await untilKilled(killed, end);
        walked.add(end.effect);
        living = node.agent({ sweepSeconds });
        await expectEnd(scenario, [killed, living]);
      } catch (error) {
        throw new Error(`killed before "${stepName(end)}"`, { cause: error });
      }
    }
    await expectGivenBack(scenario.foreign);
    await write(DEFAULTS);
  }, 300_000);
});

const replaced = (file: string): string[] =>
  ['create', 'write', 'rename'].map((effect) => `${effect} ${file}.tmp`);

test('the walks came by every kind of effect that the agent has here', () => {
  const kinds = [...walked].map((effect) => effect.replace(/\/proc\/sys\/.*/, 'SYSCTL'));
  expect([...new Set(kinds)].toSorted()).toEqual(
    [
      ...replaced('ledger.json'),
      ...replaced('revision.json'),
      'write SYSCTL',
      'listen',
      // The look at the kernel.
      'run sh -c',
      'run sh -c, under way',
      'PATCH nodesysctlstates/node-1/status',
      'PATCH nodesysctlstates/node-1/status, answered',
      'POST namespaces/default/events',
      'POST namespaces/default/events, answered',
    ].toSorted(),
  );
});
