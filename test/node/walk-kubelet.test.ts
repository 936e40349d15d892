/**
 * The agent is killed with -9 before each of the steps that bring a real kubelet to a list and back, restarts of the kubelet
 * included; the one that is started after it must end both.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { NodeSysctlState } from '../../operator/api/state.ts';
import { PROJECT } from '../cluster/tool/layout.ts';
import { nothing, revision } from '../kernel/support/revision.ts';
import type { Life } from '../walk/life.ts';
import { RealNode } from '../walk/real-node.ts';
import { stepName, type Step } from '../walk/steps.ts';
import { untilKilled, untilQuiet } from '../walk/walk.ts';
import { DROP_IN, fileOnNode, kubectl, kubeletPid, live, NAMESPACE, onNode } from './support/cluster.ts';

const NAME = 'kernel.msgmnb';
const ENTRY = 'net.ipv4.tcp_retries2';
const OTHER = ['net.ipv4.tcp_retries1'];
const RECORD = '/var/lib/sysctl-operator/kubelet.json';
const { data } = revision('tuned', { name: NAME, value: '70000' });
const REVISIONS = {
  'walk-none': nothing.data,
  'walk-tuned': { ...data, kubelet: { allowedUnsafeSysctls: [ENTRY] } },
  'walk-other': { ...data, kubelet: { allowedUnsafeSysctls: OTHER } },
};

let node: RealNode;
let original: string;

beforeAll(async () => {
  node = await RealNode.take();
  original = await live('node-1', NAME);
  for (const [name, content] of Object.entries(REVISIONS)) await node.createRevision(name, content);
}, 120_000);
afterEach(() => node?.stop());
afterAll(async () => {
  // After a failure the node may be anywhere.
  try {
    if (node) await new Agents().bring('walk-none');
  } finally {
    await node?.giveBack();
  }
  for (const name of Object.keys(REVISIONS))
    await kubectl('-n', NAMESPACE, 'delete', 'controllerrevision', name, '--ignore-not-found');
}, 120_000);

const isAt =
  (name: string) =>
  ({ metadata, status }: NodeSysctlState): boolean => {
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    const isDone = ready?.status === 'True' && ready.observedGeneration === metadata.generation;
    return isDone && status?.observedRevision === name;
  };

/** The agent of one change and back: killed at its step, once, and started again. */
class Agents {
  readonly first: Life;
  #now: Life;

  constructor(end?: Step) {
    this.first = this.#now = node.agent(end);
  }

  async bring(name: string): Promise<NodeSysctlState> {
    await node.want(name);
    return node.untilState(`the node is at ${name}`, (state) => {
      if (this.first.ended === 'SIGKILL' && this.#now === this.first) this.#now = node.agent();
      return isAt(name)(state);
    });
  }

  get lives(): Life[] {
    return [...new Set([this.first, this.#now])];
  }

  async stop(): Promise<void> {
    await Promise.all(this.lives.map((life) => life.stop()));
  }
}

/** There and back; throws where anything is not as it must be then. */
async function change(agents: Agents): Promise<void> {
  const tuned = await agents.bring('walk-tuned');
  expect(tuned.status?.kubelet).toMatchObject({ state: 'Synced', configPath: DROP_IN });
  expect([await node.liveList(), await live('node-1', NAME)]).toEqual([[ENTRY], '70000']);
  expect(tuned.status?.originals).toEqual({ [NAME]: original });

  const left = await agents.bring('walk-none');
  expect(left.status?.kubelet?.state).toBe('Unmanaged');
  expect([await node.liveList(), await live('node-1', NAME)]).toEqual([[], original]);
  expect([await fileOnNode('node-1', DROP_IN), await fileOnNode('node-1', RECORD)]).toEqual(['', '']);
  expect(await onNode('node-1', 'systemctl', 'is-active', 'kubelet')).toBe('active');
}

const RESTART = 'run systemctl restart kubelet.service';
/**
 * What the walk is about: the steps after which the next agent finds the kubelet's files, its record, the kubelet itself or the status
 * in another way than before. The others are walked without a real kubelet.
 */
const isWalked = ({ effect }: Step): boolean =>
  /kubelet|99-sysctl-operator|status/.test(effect) &&
  !/^(?:create|chmod)|reset-failed|, answered$/.test(effect);

test('a list comes and goes, also when the agent is killed before any of its steps', async () => {
  const whole = new Agents();
  await change(whole);
  await untilQuiet(whole.first);
  const steps = whole.first.steps.filter(isWalked);
  expect(whole.first.done.filter((effect) => effect === RESTART)).toHaveLength(2);
  await whole.stop();
  const walked: string[] = [];
  for (const end of steps) {
    const agents = new Agents(end);
    try {
      await change(agents);
      // Killed between the restart and the proof of it, the next agent may have to restart once more.
      const restarts = agents.lives.flatMap(({ done }) => done).filter((effect) => effect === RESTART);
      expect(restarts.length).toBeLessThanOrEqual(3);
      if (agents.first.ended === 'SIGKILL') walked.push(end.effect);
    } catch (error) {
      throw new Error(`killed before "${stepName(end)}"`, { cause: error });
    } finally {
      await agents.stop();
    }
  }
  expect(walked).toEqual(
    expect.arrayContaining([
      RESTART,
      `${RESTART}, under way`,
      'rename kubelet.json.tmp',
      'remove kubelet.json',
    ]),
  );
}, 600_000);

/** Holds while the folder of drop-ins is read-only on the node. */
async function whileReadOnly(work: () => Promise<void>): Promise<void> {
  const folder = dirname(DROP_IN);
  await onNode('node-1', 'mount', '--bind', folder, folder);
  await onNode('node-1', 'mount', '-o', 'remount,ro,bind', folder);
  try {
    await work();
  } finally {
    await onNode('node-1', 'umount', folder);
  }
}

test('a folder of drop-ins that is read-only is told, nothing is left half-done, and the kubelet is left alone', async () => {
  const agents = new Agents();
  const pid = await kubeletPid('node-1');
  await whileReadOnly(async () => {
    await node.want('walk-tuned');
    const { status } = await node.untilState(
      'it is told',
      ({ status: now }) => now?.observedRevision === 'walk-tuned' && now.kubelet?.state === 'Unsupported',
    );
    expect(status?.kubelet?.message).toMatch(/99-sysctl-operator\.conf cannot be written: EROFS.*by hand$/);
    expect(status?.conditions?.[0]).toMatchObject({ status: 'False', reason: 'KubeletUnsupported' });
    expect(await onNode('node-1', 'ls', dirname(RECORD))).not.toContain('kubelet.json');
  });
  expect([await kubeletPid('node-1'), await live('node-1', NAME)]).toEqual([pid, '70000']);
  // The same list is tried again after minutes, another one at once.
  await agents.bring('walk-other');
  expect(await node.liveList()).toEqual(OTHER);
  await agents.bring('walk-none');
  await agents.stop();
});

test('what docs/kubelet.md says of a machine that went down in the middle of a change puts the files back', async () => {
  const page = readFileSync(join(PROJECT, 'docs', 'kubelet.md'), 'utf8');
  const [, commands = ''] = /went down in the middle of a change.*?```sh\n(.*?)```/s.exec(page) ?? [];
  const killed = node.agent({ effect: RESTART, nth: 1 });
  await node.want('walk-tuned');
  await untilKilled(killed, { effect: RESTART, nth: 1 });
  expect(await fileOnNode('node-1', DROP_IN)).not.toBe('');
  const pid = await kubeletPid('node-1');
  await onNode('node-1', 'sh', '-ec', commands);
  expect([await fileOnNode('node-1', DROP_IN), (await kubeletPid('node-1')) !== pid]).toEqual(['', true]);
  const agents = new Agents();
  await change(agents);
  await agents.stop();
});
