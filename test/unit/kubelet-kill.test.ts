import { describe, expect, test } from '@jest/globals';
import type { KubeletStatus } from '../../operator/api/state.ts';
import { DROP_IN, FOLDER, MAIN } from './support/kubelet-fakes.ts';
import { Effects, MAIN_TEXT, Scene } from './support/kubelet-scene.ts';

const OWN = 'net.core.somaxconn';
const MSG = 'kernel.msgmax';
const TCP = 'net.ipv4.tcp_*';
const LAST = `${FOLDER}/zz-sysctl-operator.conf`;
const MINUTE = 60_000;

interface Case {
  name: string;
  dropIns?: boolean;
  /** Brings the node to where the change begins. */
  before?: (scene: Scene) => Promise<unknown>;
  wanted: string[];
  /** The change is never made good: what the kubelet has before and after. */
  state?: KubeletStatus['state'];
  live: string[];
  /** The files that hold the list at the end, of those that may. */
  files: string[];
  restarts: number;
}

const reconciled = (wanted: string[]) => (scene: Scene) => scene.manager.reconcile(wanted);

const CASES: Case[] = [
  { name: 'the first entry', wanted: [MSG], live: [OWN, MSG], files: [DROP_IN], restarts: 1 },
  {
    name: 'one more entry',
    before: reconciled([MSG]),
    wanted: [MSG, TCP],
    live: [OWN, MSG, TCP],
    files: [DROP_IN],
    restarts: 1,
  },
  {
    name: 'one entry less',
    before: reconciled([MSG, TCP]),
    wanted: [MSG],
    live: [OWN, MSG],
    files: [DROP_IN],
    restarts: 1,
  },
  { name: 'the give-back', before: reconciled([MSG]), wanted: [], live: [OWN], files: [], restarts: 1 },
  {
    name: 'one entry for another that a pod holds',
    before: async (scene) => {
      await scene.manager.reconcile([MSG]);
      scene.kubelet.pods = [{ pod: 'default/db', sysctls: [MSG] }];
    },
    wanted: [TCP],
    state: 'Held',
    live: [OWN, TCP, MSG],
    files: [DROP_IN],
    restarts: 1,
  },
  {
    name: 'the first entry in the main file',
    dropIns: false,
    wanted: [MSG],
    live: [OWN, MSG],
    files: [MAIN],
    restarts: 1,
  },
  {
    name: 'the give-back of the main file',
    dropIns: false,
    before: reconciled([MSG, TCP]),
    wanted: [],
    live: [OWN],
    files: [],
    restarts: 1,
  },
  {
    name: 'a list that the kubelet refuses',
    before: async (scene) => {
      await scene.manager.reconcile([MSG]);
      scene.kubelet.refuses = [TCP];
    },
    wanted: [MSG, TCP],
    state: 'Failed',
    live: [OWN, MSG],
    files: [DROP_IN],
    // systemd's own two tries, and the one with the old files.
    restarts: 4,
  },
  {
    name: 'a list that the kubelet refuses in the main file',
    dropIns: false,
    before: (scene) => Promise.resolve((scene.kubelet.refuses = [TCP])),
    wanted: [TCP],
    state: 'Failed',
    live: [OWN],
    files: [],
    restarts: 4,
  },
  {
    name: 'the way to a later drop-in',
    before: async (scene) => {
      await scene.manager.reconcile([MSG]);
      scene.node.file(`${FOLDER}/99-z.conf`, MAIN_TEXT);
    },
    wanted: [MSG],
    live: [OWN, MSG],
    files: [LAST],
    restarts: 0,
  },
  {
    name: 'the way from the main file to a drop-in',
    dropIns: false,
    before: async (scene) => {
      await scene.manager.reconcile([MSG]);
      scene.node.folder(FOLDER);
      scene.kubelet.folder = FOLDER;
      scene.kubelet.bounce();
      scene.kubelet.pods = [{ pod: 'default/db', sysctls: [MSG] }];
    },
    wanted: [MSG],
    live: [OWN, MSG],
    files: [DROP_IN],
    restarts: 0,
  },
  {
    name: 'the way from a drop-in to the main file, where the kubelet has lost the entry',
    before: async (scene) => {
      await scene.manager.reconcile([MSG]);
      scene.kubelet.folder = undefined;
      scene.kubelet.bounce();
    },
    wanted: [MSG],
    live: [OWN, MSG],
    files: [MAIN],
    restarts: 1,
  },
  {
    name: 'the give-back of a main file that the kubelet reads with drop-ins now',
    dropIns: false,
    before: async (scene) => {
      await scene.manager.reconcile([MSG]);
      scene.node.folder(FOLDER);
      scene.kubelet.folder = FOLDER;
      scene.kubelet.bounce();
    },
    wanted: [],
    live: [OWN],
    files: [],
    restarts: 1,
  },
];

class Killed extends Error {}

/** Ends the agent at a step: nothing that it does from then on reaches the node. */
class DeadlyEffects extends Effects {
  killed = false;

  constructor(end: number) {
    super();
    this.at = (step) => {
      this.killed ||= step === end;
      if (this.killed) throw new Killed();
    };
  }
}

/** A disk or systemd that fails once. */
class FailingEffects extends Effects {
  failed = false;

  constructor(end: number) {
    super();
    this.at = (step) => {
      if (step !== end) return;
      this.failed = true;
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    };
  }
}

async function prepared({ dropIns = true, before }: Case): Promise<Scene> {
  const scene = new Scene({ dropIns });
  await before?.(scene);
  scene.kubelet.slow = 2;
  scene.kubelet.starts = 0;
  return scene;
}

function expectEnd(scene: Scene, status: KubeletStatus, { state, wanted, live, files }: Case): void {
  const holders = [DROP_IN, LAST].filter((path) => scene.node.text(path) !== undefined);
  if (scene.node.text(MAIN) !== MAIN_TEXT) holders.push(MAIN);
  expect({
    state: status.state,
    running: scene.kubelet.running,
    live: scene.kubelet.live.toSorted(),
    files: holders,
    change: scene.record?.change,
    left: scene.record?.left,
    killed: scene.kubelet.killed,
  }).toEqual({
    state: state ?? (wanted.length > 0 ? 'Synced' : 'Unmanaged'),
    running: true,
    live: live.toSorted(),
    files,
    change: undefined,
    left: undefined,
    killed: [],
  });
  // What is on the disk is what runs: the next start brings the same list.
  scene.kubelet.bounce();
  expect([scene.kubelet.live.toSorted(), scene.kubelet.killed]).toEqual([live.toSorted(), []]);
}

/** The status after a few sweeps, the last of them after more than an hour. */
async function atRest(scene: Scene): Promise<KubeletStatus> {
  for (let i = 0; i < 4; i++) {
    await scene.clock.sleep(10_000);
    await scene.manager.refresh();
  }
  scene.clock.pass(61 * MINUTE);
  return scene.manager.refresh();
}

/** The agent is killed at step 1, 2, ... until a run passes without; each time another one finds the node as it is. */
async function killEverywhere(change: Case, meanwhile: (scene: Scene) => void): Promise<number> {
  for (let step = 1; ; step++) {
    const scene = await prepared(change);
    try {
      const effects = new DeadlyEffects(step);
      await scene.newAgent(effects).reconcile(change.wanted);
      if (!effects.killed) return step - 1;
      meanwhile(scene);
      const agent = scene.newAgent();
      await agent.recover();
      await agent.reconcile(change.wanted);
      expectEnd(scene, await atRest(scene), change);
    } catch (error) {
      throw new Error(`killed at step ${step}`, { cause: error });
    } finally {
      scene.node.destroy();
    }
  }
}

describe.each(CASES)('$name', (change) => {
  test('ends as it should, with no restart too many', async () => {
    const scene = await prepared(change);
    const status = await scene.manager.reconcile(change.wanted);
    expect(scene.kubelet.starts).toBe(change.restarts);
    expectEnd(scene, status, change);
    scene.node.destroy();
  });

  test('ends so when the agent is killed at any step', async () => {
    expect(await killEverywhere(change, () => {})).toBeGreaterThan(5);
  });

  test('ends so when the machine goes down at any step', async () => {
    expect(await killEverywhere(change, (scene) => scene.kubelet.bounce())).toBeGreaterThan(5);
  });

  test('ends so when the agent is killed at any step, and the next one at any step of its recovery', async () => {
    let tried = 0;
    for (let first = 1, killed = true; killed; first++) {
      for (let second = 1, again = true; again; second++) {
        const scene = await prepared(change);
        const effects = new DeadlyEffects(first);
        await scene.newAgent(effects).reconcile(change.wanted);
        const next = new DeadlyEffects(second);
        if (effects.killed)
          await scene
            .newAgent(next)
            .recover()
            .catch(() => {});
        [killed, again] = [effects.killed, next.killed];
        if (again) {
          tried++;
          await scene.newAgent().reconcile(change.wanted);
          expectEnd(scene, await atRest(scene), change);
        }
        scene.node.destroy();
      }
    }
    expect(tried).toBeGreaterThan(5);
  });

  test('ends so when any step fails once, and the same agent goes on', async () => {
    let step = 1;
    for (let failed = true; failed; step++) {
      const scene = await prepared(change);
      const effects = new FailingEffects(step);
      await scene.newAgent(effects).reconcile(change.wanted);
      ({ failed } = effects);
      if (failed) expectEnd(scene, await atRest(scene), change);
      scene.node.destroy();
    }
    expect(step).toBeGreaterThan(5);
  });
});

test('a file that somebody edits while no agent runs keeps the edit, and only the half-done change comes out', async () => {
  for (const end of [2, 4, 6]) {
    const scene = new Scene({ dropIns: false });
    const effects = new DeadlyEffects(end);
    await scene.newAgent(effects).reconcile([MSG]);
    const edited = (scene.node.text(MAIN) ?? '').replace('maxPods: 110', 'maxPods: 99');
    scene.node.file(MAIN, edited);
    const agent = scene.newAgent();
    await agent.recover();
    expect(scene.node.text(MAIN)).toContain('maxPods: 99');
    await agent.reconcile([]);
    expect(scene.node.text(MAIN)).toContain('maxPods: 99');
    expect([scene.kubelet.live, scene.record]).toEqual([[OWN], undefined]);
    scene.kubelet.bounce();
    expect(scene.kubelet.live).toEqual([OWN]);
    scene.node.destroy();
  }
});

test('a kubelet that cannot be configured any more is not restarted by the recovery, but has its files back', async () => {
  const scene = new Scene();
  await scene.newAgent(new DeadlyEffects(4)).reconcile([MSG]);
  expect(scene.node.text(DROP_IN)).toBeDefined();
  scene.node.process(7, { comm: 'kubelet' });
  const { starts } = scene.kubelet;
  await scene.newAgent().recover();
  expect([scene.node.text(DROP_IN), scene.kubelet.starts]).toEqual([undefined, starts]);
  scene.node.destroy();
});

test('a folder of drop-ins that went away in the middle of a change is no obstacle', async () => {
  const scene = new Scene();
  await scene.newAgent(new DeadlyEffects(4)).reconcile([MSG]);
  scene.node.unlink(FOLDER);
  scene.kubelet.folder = undefined;
  scene.kubelet.bounce();
  const agent = scene.newAgent();
  await agent.recover();
  expect(await agent.reconcile([MSG])).toMatchObject({ state: 'Synced', configPath: MAIN });
  scene.node.destroy();
});
