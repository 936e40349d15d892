import { chmodSync, statSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { DROP_IN, FOLDER, MAIN } from './support/kubelet-fakes.ts';
import { MAIN_TEXT, Scene, STATE } from './support/kubelet-scene.ts';

const OWN = 'net.core.somaxconn';
const MSG = 'kernel.msgmax';
const TCP = 'net.ipv4.tcp_*';
const HOUR = 3_600_000;

let scene: Scene;
afterEach(() => scene.node.destroy());

const listIn = (path: string): unknown =>
  (parse(scene.node.text(path) ?? '{}') as { allowedUnsafeSysctls?: unknown }).allowedUnsafeSysctls;

/** Looks again as often as it takes until nothing changes any more. */
async function rest(): Promise<void> {
  for (let i = 0; i < 3; i++) await scene.manager.refresh();
}

describe('a list that grows', () => {
  test('is written beside what the kubelet had, read back and told', async () => {
    scene = new Scene();
    expect(await scene.manager.reconcile([MSG])).toEqual({
      state: 'Synced',
      allowedUnsafeSysctls: [OWN, MSG],
      configPath: DROP_IN,
    });
    expect(listIn(DROP_IN)).toEqual([OWN, MSG]);
    expect(scene.node.text(MAIN)).toBe(MAIN_TEXT);
    expect(scene.record).toEqual({
      version: 1,
      path: DROP_IN,
      kind: 'dropIn',
      unit: 'kubelet.service',
      ours: [MSG],
      written: scene.node.text(DROP_IN),
    });
  });

  test('restarts the kubelet once, and not at all where it has every entry already', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    await scene.manager.reconcile([MSG, OWN]);
    expect(scene.kubelet.starts).toBe(1);
    expect(listIn(DROP_IN)).toEqual([OWN, MSG]);
  });

  test('of entries that the kubelet has by itself writes nothing and claims nothing', async () => {
    scene = new Scene();
    expect(await scene.manager.reconcile([OWN])).toEqual({ state: 'Synced', allowedUnsafeSysctls: [OWN] });
    expect([scene.node.text(DROP_IN), scene.record, scene.kubelet.starts]).toEqual([undefined, undefined, 0]);
    expect(await scene.manager.reconcile([])).toEqual({ state: 'Unmanaged' });
  });

  test('is in the record before it is in a file, and in a file before the restart', async () => {
    scene = new Scene();
    const seen: [unknown, unknown, number][] = [];
    scene.effects.at = () => seen.push([scene.record?.change?.ours, listIn(DROP_IN), scene.kubelet.starts]);
    await scene.manager.reconcile([MSG]);
    const all = [OWN, MSG];
    expect(seen).toEqual([
      [undefined, undefined, 0],
      [[MSG], undefined, 0],
      [[MSG], undefined, 0],
      [[MSG], all, 0],
      [[MSG], all, 0],
      [[MSG], all, 1],
      [[MSG], all, 1],
      [undefined, all, 1],
    ]);
  });

  test('with an entry that would keep the kubelet from starting is not tried', async () => {
    scene = new Scene();
    expect(await scene.manager.reconcile([MSG, 'vm.max_map_count'])).toEqual({
      state: 'Failed',
      message: expect.stringMatching(/^"vm\.max_map_count" is not known .*; nothing was changed$/),
    });
    expect([scene.node.text(DROP_IN), scene.record, scene.kubelet.starts]).toEqual([undefined, undefined, 0]);
  });

  test('goes to the last of the drop-ins where another one has the list and sorts after ours', async () => {
    scene = new Scene();
    scene.node.file(`${FOLDER}/99-z.conf`, MAIN_TEXT.replace(OWN, 'kernel.sem'));
    scene.kubelet.bounce();
    expect(await scene.manager.reconcile([MSG])).toMatchObject({
      allowedUnsafeSysctls: ['kernel.sem', MSG],
      configPath: `${FOLDER}/zz-sysctl-operator.conf`,
    });
  });
});

describe('a list that shrinks', () => {
  test('takes the entry out and restarts, and is given back whole at the end', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG, TCP]);
    expect(await scene.manager.reconcile([TCP])).toMatchObject({
      state: 'Synced',
      allowedUnsafeSysctls: [OWN, TCP],
    });
    expect(await scene.manager.reconcile([])).toEqual({ state: 'Unmanaged', allowedUnsafeSysctls: [OWN] });
    expect([scene.node.text(DROP_IN), scene.record]).toEqual([undefined, undefined]);
    expect(scene.kubelet.live).toEqual([OWN]);
  });

  test('keeps an entry that a running pod needs until the pod is gone; then it goes by itself', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    scene.kubelet.pods = [{ pod: 'default/db', sysctls: [MSG] }];
    const held = {
      state: 'Held',
      allowedUnsafeSysctls: [OWN, MSG],
      configPath: DROP_IN,
      message: `kept as long as running pods use it: "${MSG}" for default/db`,
    };
    expect(await scene.manager.reconcile([])).toEqual(held);
    await rest();
    expect(await scene.manager.refresh()).toEqual(held);
    expect([scene.kubelet.starts, scene.kubelet.killed]).toEqual([1, []]);
    scene.kubelet.pods = [];
    expect(await scene.manager.refresh()).toEqual({ state: 'Unmanaged', allowedUnsafeSysctls: [OWN] });
    expect(scene.node.text(DROP_IN)).toBeUndefined();
  });

  test('keeps it too when the kubelet has just started and hears of its pods one after the other', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    scene.kubelet.pods = [
      { pod: 'kube-system/static', sysctls: [] },
      { pod: 'default/db', sysctls: [MSG] },
    ];
    scene.kubelet.learns = 2;
    scene.kubelet.bounce();
    expect(await scene.manager.reconcile([])).toMatchObject({ state: 'Held' });
    expect(scene.kubelet.killed).toEqual([]);
  });

  test('keeps it as long as the kubelet does not hear of its pods', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    scene.kubelet.learns = Infinity;
    scene.kubelet.bounce();
    expect(await scene.manager.reconcile([])).toMatchObject({
      state: 'Pending',
      message: expect.stringContaining('nothing was changed: it has not heard of all its pods yet'),
    });
    expect(scene.kubelet.live).toEqual([OWN, MSG]);
    scene.kubelet.learns = 0;
    expect(await scene.manager.refresh()).toMatchObject({ state: 'Unmanaged' });
  });

  test('while another entry comes restarts for that one, with the held one still in', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    scene.kubelet.pods = [{ pod: 'default/db', sysctls: [MSG] }];
    expect(await scene.manager.reconcile([TCP])).toMatchObject({
      state: 'Held',
      allowedUnsafeSysctls: [OWN, TCP, MSG],
    });
    expect(scene.kubelet.killed).toEqual([]);
  });

  test('a hold that lasts writes the record once, not at every look', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    scene.kubelet.pods = [{ pod: 'default/db', sysctls: [MSG] }];
    await scene.manager.reconcile([]);
    const { ino } = statSync(scene.node.at(`${STATE}/kubelet.json`));
    await rest();
    expect(statSync(scene.node.at(`${STATE}/kubelet.json`)).ino).toBe(ino);
  });
});

describe('a kubelet that does not take the list', () => {
  test('gets its old files back at once, runs, and the message says why', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    const before = scene.node.text(DROP_IN);
    scene.kubelet.refuses = [TCP];
    expect(await scene.manager.reconcile([MSG, TCP])).toEqual({
      state: 'Failed',
      allowedUnsafeSysctls: [OWN, MSG],
      configPath: DROP_IN,
      message: expect.stringMatching(
        /^the kubelet did not come up with "net\.ipv4\.tcp_\*" allowed: kubelet\.service ended 2 times: .*"net\.ipv4\.tcp_\*" are not known.*; the old configuration is back and it runs$/,
      ),
    });
    expect(scene.node.text(DROP_IN)).toBe(before);
    expect([scene.kubelet.running, scene.kubelet.live]).toEqual([true, [OWN, MSG]]);
  });

  test('is not tried with the same list again, by a new agent neither, until an hour has passed', async () => {
    scene = new Scene();
    scene.kubelet.refuses = [TCP];
    const { message } = await scene.manager.reconcile([TCP]);
    const { starts } = scene.kubelet;
    await rest();
    expect(await scene.newAgent().reconcile([TCP])).toMatchObject({ state: 'Failed', message });
    scene.clock.pass(HOUR - 60_000);
    await rest();
    expect(scene.kubelet.starts).toBe(starts);
    scene.kubelet.refuses = [];
    scene.clock.pass(HOUR);
    expect(await scene.manager.refresh()).toMatchObject({
      state: 'Synced',
      allowedUnsafeSysctls: [OWN, TCP],
    });
    expect(scene.record?.failed).toBeUndefined();
  });

  test('is tried with another list at once', async () => {
    scene = new Scene();
    scene.kubelet.refuses = [TCP];
    await scene.manager.reconcile([TCP]);
    expect(await scene.manager.reconcile([MSG])).toMatchObject({ state: 'Synced' });
  });

  test('nor the old one, is tried with both again within minutes, and started where systemd has given up', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG, TCP]);
    scene.kubelet.broken = 'inotify_init: too many open files';
    expect(await scene.manager.reconcile([MSG])).toMatchObject({
      state: 'Failed',
      message: expect.stringMatching(/inotify_init: too many open files.*is back, but it does not run/),
    });
    await rest();
    expect(await scene.newAgent().reconcile([MSG])).toMatchObject({ state: 'Pending' });
    for (let i = 0; i < 20; i++) scene.kubelet.tick();
    const { starts } = scene.kubelet;
    await rest();
    expect(scene.kubelet.starts).toBe(starts);
    scene.kubelet.broken = undefined;
    scene.clock.pass(3 * 60_000);
    await rest();
    expect([scene.kubelet.running, scene.kubelet.live]).toEqual([true, [OWN, MSG, TCP]]);
    scene.clock.pass(3 * 60_000);
    await rest();
    expect(scene.kubelet.live).toEqual([OWN, MSG]);
    expect(scene.record?.failed).toBeUndefined();
  });

  test('loses nothing of the list that it runs with while the failed one waits', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    scene.kubelet.refuses = [TCP];
    await scene.manager.reconcile([MSG, TCP]);
    await rest();
    scene.node.file(`${FOLDER}/keep`, '');
    const { starts } = scene.kubelet;
    scene.node.unlink(DROP_IN);
    expect(await scene.manager.refresh()).toMatchObject({ state: 'Failed' });
    expect(listIn(DROP_IN)).toEqual([OWN, MSG]);
    expect([scene.kubelet.starts, scene.record?.failed?.list]).toEqual([starts, [OWN, MSG, TCP]]);
  });

  test('in the middle of a move has both files back, and every pod its entry', async () => {
    scene = new Scene({ dropIns: false });
    await scene.manager.reconcile([MSG]);
    scene.kubelet.pods = [{ pod: 'default/db', sysctls: [MSG] }];
    scene.node.folder(FOLDER);
    scene.kubelet.folder = FOLDER;
    scene.kubelet.bounce();
    scene.kubelet.refuses = [TCP];
    expect(await scene.manager.reconcile([MSG, TCP])).toMatchObject({
      state: 'Failed',
      allowedUnsafeSysctls: [OWN, MSG],
    });
    expect([scene.kubelet.running, scene.kubelet.killed]).toEqual([true, []]);
    expect(await scene.manager.reconcile([MSG])).toMatchObject({ state: 'Synced', configPath: DROP_IN });
    expect([scene.node.text(MAIN), scene.kubelet.killed]).toEqual([MAIN_TEXT, []]);
  });

  test('and its main file, gets the very bytes back and nothing is left but the note of the failure', async () => {
    scene = new Scene({ dropIns: false });
    scene.kubelet.refuses = [TCP];
    expect(await scene.manager.reconcile([TCP])).toMatchObject({ state: 'Failed', configPath: MAIN });
    expect(scene.node.text(MAIN)).toBe(MAIN_TEXT);
    expect(scene.kubelet.live).toEqual([OWN]);
    expect(await scene.manager.reconcile([])).toMatchObject({ state: 'Unmanaged' });
    expect(scene.record).toBeUndefined();
  });

  test('that comes up and then ends is down, whatever could not be read of it before', async () => {
    scene = new Scene();
    scene.kubelet.onRequest = (path) => {
      if (path !== '/configz' || scene.kubelet.starts !== 1) return;
      scene.clock.onSleep = () => {};
      scene.kubelet.stop();
      throw new Error('socket hang up');
    };
    expect(await scene.manager.reconcile([MSG])).toMatchObject({
      state: 'Failed',
      allowedUnsafeSysctls: [OWN],
    });
    expect([scene.kubelet.running, scene.node.text(DROP_IN)]).toEqual([true, undefined]);
  });

  test('that runs but stops telling its list keeps the new one, and is verified once it tells again', async () => {
    scene = new Scene();
    scene.effects.at = () => (scene.kubelet.mute = scene.kubelet.starts > 0);
    expect(await scene.manager.reconcile([MSG])).toMatchObject({
      state: 'Pending',
      message: expect.stringContaining('status 403'),
    });
    expect(await scene.manager.refresh()).toMatchObject({ state: 'Pending' });
    scene.kubelet.mute = false;
    expect(await scene.manager.refresh()).toMatchObject({
      state: 'Synced',
      allowedUnsafeSysctls: [OWN, MSG],
    });
    expect(scene.kubelet.starts).toBe(1);
  });
});

describe('a kubelet that is started without a folder of drop-ins', () => {
  test('has the list in its main file, which comes back byte for byte with its mode', async () => {
    scene = new Scene({ dropIns: false });
    expect(await scene.manager.reconcile([MSG])).toMatchObject({ state: 'Synced', configPath: MAIN });
    expect(parse(scene.node.text(MAIN) ?? '')).toEqual({
      ...(parse(MAIN_TEXT) as object),
      allowedUnsafeSysctls: [OWN, MSG],
    });
    await scene.manager.reconcile([MSG, TCP]);
    await scene.manager.reconcile([]);
    expect(scene.node.text(MAIN)).toBe(MAIN_TEXT);
    expect(statSync(scene.node.at(MAIN)).mode & 0o777).toBe(0o600);
    expect(scene.record).toBeUndefined();
  });

  test('keeps what others wrote to that file meanwhile; only our entries come out', async () => {
    scene = new Scene({ dropIns: false });
    await scene.manager.reconcile([MSG]);
    const edited = (scene.node.text(MAIN) ?? '').replace('maxPods: 110', 'maxPods: 250 # more');
    scene.node.file(MAIN, edited);
    await scene.manager.refresh();
    await scene.manager.reconcile([TCP]);
    await scene.manager.reconcile([]);
    const text = scene.node.text(MAIN) ?? '';
    expect(text).toContain('maxPods: 250 # more');
    expect(listIn(MAIN)).toEqual([OWN]);
  });

  test('that is written anew by its distribution gets the entries again without a restart, and that file back', async () => {
    scene = new Scene({ dropIns: false });
    await scene.manager.reconcile([MSG]);
    const upgraded = 'kind: KubeletConfiguration\nmaxPods: 99\n';
    scene.node.file(MAIN, upgraded);
    expect(await scene.manager.refresh()).toMatchObject({ state: 'Synced' });
    expect([listIn(MAIN), scene.kubelet.starts]).toEqual([[MSG], 1]);
    await scene.manager.reconcile([]);
    expect(scene.node.text(MAIN)).toBe(upgraded);
  });

  test('and had no list has no key left in it, also where somebody else has edited the file', async () => {
    scene = new Scene({ dropIns: false, main: 'kind: KubeletConfiguration\n' });
    await scene.manager.reconcile([MSG]);
    scene.node.file(MAIN, `${scene.node.text(MAIN)}maxPods: 99\n`);
    await scene.manager.reconcile([]);
    expect(scene.node.text(MAIN)).toBe('kind: KubeletConfiguration\nmaxPods: 99\n');
  });
});

describe('what others do', () => {
  test('a drop-in of ours that is deleted or changed is put in again without a restart', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    const ours = scene.node.text(DROP_IN);
    scene.node.file(DROP_IN, 'kind: KubeletConfiguration\nallowedUnsafeSysctls: []\n');
    expect(await scene.manager.refresh()).toMatchObject({ state: 'Synced' });
    expect([scene.node.text(DROP_IN), scene.kubelet.starts]).toEqual([ours, 1]);
  });

  test('what the platform allows later is in the union, and stays when we go', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    scene.node.file(`${FOLDER}/10-team.conf`, MAIN_TEXT.replace(OWN, 'kernel.sem'));
    await scene.manager.refresh();
    expect(listIn(DROP_IN)).toEqual(['kernel.sem', MSG]);
    await scene.manager.reconcile([]);
    expect(scene.kubelet.live).toEqual(['kernel.sem']);
  });

  test('a kubelet that was restarted without our file gets it and one more restart', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    scene.node.unlink(DROP_IN);
    scene.kubelet.bounce();
    expect(await scene.manager.refresh()).toMatchObject({
      state: 'Synced',
      allowedUnsafeSysctls: [OWN, MSG],
    });
  });

  test('a change of a file during our own restart is seen at the next look', async () => {
    scene = new Scene();
    scene.effects.at = (step) => {
      if (step === 6) scene.node.file(`${FOLDER}/10-team.conf`, MAIN_TEXT.replace(OWN, 'kernel.sem'));
    };
    await scene.manager.reconcile([MSG]);
    await scene.manager.refresh();
    expect(listIn(DROP_IN)).toEqual(['kernel.sem', MSG]);
  });

  test('a drop-in of ours whose record was lost is taken for ours again and given back', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG, TCP]);
    scene.node.unlink(STATE);
    expect(await scene.newAgent().reconcile([MSG])).toMatchObject({ allowedUnsafeSysctls: [OWN, MSG] });
    await scene.manager.reconcile([]);
    expect([scene.kubelet.live, scene.node.text(DROP_IN)]).toEqual([[OWN], undefined]);
  });

  test('a rival that comes to sort after ours: ours moves behind it, and the old file goes', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    scene.node.file(`${FOLDER}/99-z.conf`, MAIN_TEXT.replace(OWN, 'kernel.sem'));
    expect(await scene.manager.refresh()).toMatchObject({
      state: 'Synced',
      configPath: `${FOLDER}/zz-sysctl-operator.conf`,
    });
    expect([scene.node.text(DROP_IN), scene.kubelet.starts]).toEqual([undefined, 1]);
    scene.kubelet.bounce();
    expect(scene.kubelet.live).toEqual(['kernel.sem', MSG]);
  });

  test('a kubelet that reads drop-ins from now on gets one before the entries leave its main file', async () => {
    scene = new Scene({ dropIns: false });
    await scene.manager.reconcile([MSG]);
    scene.kubelet.pods = [{ pod: 'default/db', sysctls: [MSG] }];
    scene.node.folder(FOLDER);
    scene.kubelet.folder = FOLDER;
    scene.kubelet.bounce();
    scene.effects.at = () => expect([listIn(MAIN), listIn(DROP_IN)].flat()).toContain(MSG);
    expect(await scene.manager.refresh()).toMatchObject({ state: 'Synced', configPath: DROP_IN });
    expect([scene.node.text(MAIN), scene.record?.left]).toEqual([MAIN_TEXT, undefined]);
    scene.kubelet.bounce();
    expect([scene.kubelet.live, scene.kubelet.killed]).toEqual([[OWN, MSG], []]);
  });

  test('a kubelet that reads no drop-ins any more has them in its main file, and the folder may be gone', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    scene.node.unlink(FOLDER);
    scene.kubelet.folder = undefined;
    scene.kubelet.bounce();
    expect(await scene.manager.refresh()).toMatchObject({ state: 'Synced', configPath: MAIN });
    await scene.manager.reconcile([]);
    expect([scene.node.text(MAIN), scene.record]).toEqual([MAIN_TEXT, undefined]);
  });

  test('entries that somebody moved from our drop-in to the main file by hand are his', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    const his = MAIN_TEXT.replace(`"${OWN}"`, `"${OWN}", "${MSG}"`);
    scene.node.file(MAIN, his);
    scene.kubelet.folder = undefined;
    scene.kubelet.bounce();
    expect(await scene.manager.refresh()).toMatchObject({ state: 'Synced' });
    expect(await scene.manager.reconcile([])).toEqual({ state: 'Unmanaged' });
    expect([scene.node.text(MAIN), scene.node.text(DROP_IN), scene.kubelet.live]).toEqual([
      his,
      undefined,
      [OWN, MSG],
    ]);
  });
});

describe('nothing is changed', () => {
  test.each([
    ['cut', '{"version":1,"pa'],
    ['of a newer agent', '{"version":2,"path":"/x","kind":"main","unit":"u","ours":[]}'],
    ['without a unit', `{"version":1,"path":"${DROP_IN}","kind":"dropIn","ours":["kernel.msgmax"]}`],
    ['null', 'null'],
  ])('where the record is %s, and the status says so until it is repaired', async (_, text) => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    const ours = scene.node.text(DROP_IN);
    scene.recordFile(text);
    const manager = scene.newAgent();
    await expect(manager.recover()).rejects.toThrow('kubelet.json cannot be read');
    const failed = { state: 'Failed', message: expect.stringContaining('nothing is changed') };
    expect(await manager.reconcile([])).toEqual(failed);
    expect(await manager.refresh()).toEqual(failed);
    expect([scene.node.text(DROP_IN), scene.kubelet.starts, scene.effects.steps]).toEqual([ours, 1, 0]);
    expect(scene.log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  test('where the kubelet does not tell its list; once it does, the change is made', async () => {
    scene = new Scene();
    scene.kubelet.mute = true;
    expect(await scene.manager.reconcile([MSG])).toMatchObject({
      state: 'Pending',
      message: expect.stringMatching(/^the kubelet does not tell its configuration; nothing was changed/),
    });
    expect(scene.effects.steps).toBe(0);
    scene.kubelet.mute = false;
    expect(await scene.manager.refresh()).toMatchObject({ state: 'Synced' });
  });

  test('where no kubelet runs', async () => {
    scene = new Scene();
    scene.kubelet.stop();
    expect(await scene.manager.reconcile([MSG])).toMatchObject({ state: 'Pending' });
    expect([scene.effects.steps, scene.kubelet.running]).toEqual([0, false]);
  });

  test('where the pods cannot be asked for before an entry goes', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    scene.kubelet.onRequest = (path) => {
      if (path === '/pods') throw new Error('status 500');
    };
    expect(await scene.manager.reconcile([])).toMatchObject({ state: 'Pending' });
    expect([listIn(DROP_IN), scene.kubelet.starts]).toEqual([[OWN, MSG], 1]);
  });

  test('where the file cannot be written: the status says so, and an hour later it is tried again', async () => {
    scene = new Scene();
    scene.effects.at = (step) => {
      if (step === 3) throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' });
    };
    expect(await scene.manager.reconcile([MSG])).toEqual({
      state: 'Unsupported',
      allowedUnsafeSysctls: [OWN],
      message: expect.stringMatching(/99-sysctl-operator\.conf cannot be written: EROFS.*by hand$/),
    });
    expect([scene.record, scene.kubelet.starts]).toEqual([undefined, 0]);
    const { steps } = scene.effects;
    await rest();
    expect(scene.effects.steps).toBe(steps);
    scene.clock.pass(HOUR + 1);
    expect(await scene.manager.refresh()).toMatchObject({ state: 'Synced' });
  });
});

test('where one of two files cannot be written the other one is as before too', async () => {
  scene = new Scene({ dropIns: false });
  await scene.manager.reconcile([MSG]);
  const main = scene.node.text(MAIN);
  scene.node.folder(FOLDER);
  scene.kubelet.folder = FOLDER;
  scene.kubelet.bounce();
  const before = scene.effects.steps;
  scene.effects.at = (step) => {
    // Record, drop-in, and then the main file.
    if (step === before + 5) throw new Error('EROFS: read-only file system');
  };
  expect(await scene.manager.refresh()).toMatchObject({ state: 'Failed' });
  expect([scene.node.text(DROP_IN), scene.node.text(MAIN), scene.record?.left?.length]).toEqual([
    undefined,
    main,
    1,
  ]);
});

describe('the steady state', () => {
  test('asks the kubelet, systemd and the disk for nothing', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    await rest();
    const requests: string[] = [];
    scene.kubelet.onRequest = (path) => requests.push(path);
    scene.kubelet.show = () => {
      throw new Error('systemd was asked');
    };
    const { steps } = scene.effects;
    scene.clock.pass(2 * HOUR);
    for (let i = 0; i < 1000; i++) await scene.manager.refresh();
    expect([requests, scene.effects.steps]).toEqual([[], steps]);
    expect((await scene.manager.refresh()).state).toBe('Synced');
  });

  test('a hold asks for the list and the pods only', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    scene.kubelet.pods = [{ pod: 'default/db', sysctls: [MSG] }];
    await scene.manager.reconcile([]);
    await rest();
    const requests: string[] = [];
    scene.kubelet.onRequest = (path) => requests.push(path);
    scene.kubelet.show = () => {
      throw new Error('systemd was asked');
    };
    expect((await scene.manager.refresh()).state).toBe('Held');
    expect(requests).toEqual(['/configz', '/pods', '/pods']);
  });

  test('an Unsupported kubelet is looked at once a minute', async () => {
    scene = new Scene();
    scene.node.process(7, { comm: 'kubelet', parent: 1 });
    expect(await scene.manager.reconcile([MSG])).toMatchObject({ state: 'Unsupported' });
    scene.node.gone(7);
    scene.clock.pass(59_000);
    expect(await scene.manager.refresh()).toMatchObject({ state: 'Unsupported' });
    scene.clock.pass(2000);
    expect(await scene.manager.refresh()).toMatchObject({ state: 'Synced' });
  });

  test('a file that cannot be looked at is no reason to end', async () => {
    scene = new Scene();
    await scene.manager.reconcile([MSG]);
    await rest();
    scene.node.unlink(MAIN);
    scene.node.link(MAIN, MAIN);
    expect(await scene.manager.refresh()).toMatchObject({
      state: 'Pending',
      message: expect.stringContaining('too many symbolic links'),
    });
    scene.node.unlink(MAIN);
    scene.node.file(MAIN, MAIN_TEXT);
    chmodSync(scene.node.at(MAIN), 0o600);
    expect(await scene.manager.refresh()).toMatchObject({ state: 'Synced' });
  });
});
