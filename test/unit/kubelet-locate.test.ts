import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { HostFiles } from '../../operator/agent/kubelet/host-files.ts';
import { locate, type FoundKubelet, type NotFound } from '../../operator/agent/kubelet/locate.ts';
import { findProcesses, isAlive } from '../../operator/agent/kubelet/process.ts';
import { FOLDER, MAIN } from './support/kubelet-fakes.ts';
import { FakeNode, type ProcessDraft } from './support/kubelet-node.ts';

const PID = 42;
const HEAD = 'kind: KubeletConfiguration\n';
const LIST = `${HEAD}allowedUnsafeSysctls: [kernel.sem]\n`;
const FIRST = `${FOLDER}/99-sysctl-operator.conf`;
const LAST = `${FOLDER}/zz-sysctl-operator.conf`;

let node: FakeNode;
let mainPids: Record<string, number>;
beforeEach(() => {
  node = new FakeNode();
  node.file(MAIN, HEAD);
  mainPids = { 'kubelet.service': PID };
});
afterEach(() => node.destroy());

const kubelet = (draft: ProcessDraft = {}, ...args: string[]): void =>
  node.process(PID, { args: ['/usr/bin/kubelet', `--config=${MAIN}`, ...args], ...draft });

const found = (): Promise<FoundKubelet | NotFound> =>
  locate({
    proc: node.proc,
    host: new HostFiles(node.root),
    services: {
      // oxlint-disable-next-line require-await
      show: async (unit) => {
        const mainPid = mainPids[unit];
        return mainPid === undefined ? undefined : { mainPid, restarts: 0 };
      },
      restart: () => Promise.reject(new Error('restarted')),
      lastWords: () => Promise.resolve(''),
    },
    tokenFile: '/token',
  });

describe('a kubelet that cannot be configured', () => {
  test.each<[string, string, () => void]>([
    [
      'k3s',
      'k3s runs the kubelet inside its own program: set kubelet-arg',
      () => {
        node.process(7, { comm: 'k3s-server', cgroup: '0::/system.slice/k3s.service\n' });
      },
    ],
    [
      'a k3s agent',
      'in /etc/rancher/k3s/config.yaml and restart k3s',
      () => {
        node.process(7, { comm: 'k3s-agent' });
      },
    ],
    [
      'MicroK8s',
      'MicroK8s runs the kubelet inside its own program',
      () => {
        node.process(7, { comm: 'kubelite' });
      },
    ],
    [
      'rke2',
      'child of rke2-server.service and cannot be restarted alone: set kubelet-arg',
      () => {
        mainPids = { 'rke2-server.service': 40 };
        node.process(40, { comm: 'rke2' });
        kubelet({ parent: 40, cgroup: '0::/system.slice/rke2-server.service\n' });
      },
    ],
    [
      'k0s',
      'child of k0sworker.service and cannot be restarted alone: set --kubelet-extra-args',
      () => {
        mainPids = { 'k0sworker.service': 40 };
        kubelet({ parent: 40, cgroup: '0::/system.slice/k0sworker.service\n' });
      },
    ],
    [
      'the child of any other unit',
      'child of node.service and cannot be restarted alone: set allowedUnsafe',
      () => {
        mainPids = { 'node.service': 40 };
        kubelet({ cgroup: '0::/system.slice/node.service\n' });
      },
    ],
    [
      'two kubelets',
      `more than one kubelet is running on this node (processes ${PID} and 43)`,
      () => {
        kubelet();
        node.process(43, { args: ['kubelet'] });
      },
    ],
    [
      'one in a container',
      'the kubelet runs in a container of its own',
      () => {
        kubelet({ mountNamespace: 'mnt:[2]' });
      },
    ],
    [
      'one that was not started by systemd',
      'the kubelet was not started by systemd',
      () => {
        kubelet({ cgroup: '0::/user.slice/session-1.scope\n' });
      },
    ],
    [
      'one whose unit systemd does not know',
      'systemd does not answer for kubelet.service',
      () => {
        mainPids = {};
        kubelet();
      },
    ],
    [
      'one with the list on its command line',
      'has --allowed-unsafe-sysctls on its command line',
      () => {
        kubelet({}, '--allowed-unsafe-sysctls=net.*');
      },
    ],
    [
      'one without a configuration file',
      'the kubelet was started without --config',
      () => {
        kubelet({ args: ['kubelet', '--kubeconfig=/x'] });
      },
    ],
    [
      'one with a drop-in that sorts after every name of ours',
      `a drop-in in ${FOLDER} that sorts after zz-sys`,
      () => {
        node.file(`${FOLDER}/zzz.conf`, LIST);
        kubelet({}, `--config-dir=${FOLDER}`);
      },
    ],
  ])('%s', async (_, message, arrange) => {
    arrange();
    expect(await found()).toMatchObject({
      state: 'Unsupported',
      message: expect.stringContaining(message),
    });
  });
});

const rke2 = (): void => {
  mainPids = { 'rke2-server.service': 40 };
  node.process(40, { comm: 'rke2' });
  const list = '--allowed-unsafe-sysctls=net.core.*,kernel.msgmax';
  kubelet({ parent: 40, cgroup: '0::/system.slice/rke2-server.service\n' }, list);
};

describe('a list that was set by hand on the command line', () => {
  test.each<[string, () => void, string[]]>([
    ['is told for the child of another program', rke2, ['net.core.*', 'kernel.msgmax']],
    ['is told where it beats every file', () => kubelet({}, '--allowed-unsafe-sysctls='), []],
  ])('%s', async (_, arrange, list) => {
    arrange();
    expect(await found()).toMatchObject({ state: 'Unsupported', allowedUnsafeSysctls: list });
  });
});

describe('a kubelet that may be there later', () => {
  test('is not running', async () => {
    node.process(PID, { comm: 'kubelet-helper' });
    expect(await found()).toMatchObject({ state: 'Pending', message: expect.stringContaining('no kubelet') });
  });

  test.each<[string, string, () => void]>([
    ['its main file is missing', `${MAIN} does not exist`, () => node.unlink(MAIN)],
    ['its main file is cut', MAIN, () => node.file(MAIN, 'a: [')],
    ['its folder is missing', 'ENOENT', () => node.unlink(FOLDER)],
    ['a drop-in is cut', `${FOLDER}/1.conf`, () => node.file(`${FOLDER}/1.conf`, 'a: [')],
  ])('or %s', async (_, message, arrange) => {
    node.folder(FOLDER);
    kubelet({}, `--config-dir=${FOLDER}`);
    arrange();
    const pending = await found();
    expect(pending).toMatchObject({ state: 'Pending', message: expect.stringContaining(message) });
  });
});

describe('the kubelet among the processes', () => {
  test('is found by its name, with unit and start time', () => {
    kubelet();
    node.process(50, { comm: 'containerd' });
    expect(findProcesses(node.proc).kubelets).toEqual([
      {
        pid: PID,
        startTime: String(PID * 100),
        flags: { config: MAIN },
        cwd: '/',
        unit: 'kubelet.service',
        onNode: true,
      },
    ]);
  });

  test('is not one of another node inside this one', () => {
    kubelet();
    node.process(43, { pidNamespace: 'pid:[2]', args: ['kubelet'] });
    node.process(44, { comm: 'k3s', pidNamespace: 'pid:[2]' });
    expect(findProcesses(node.proc)).toMatchObject({ kubelets: [{ pid: PID }], allInOne: [] });
  });

  test('is not its own child between fork and exec', () => {
    kubelet();
    node.process(43, { parent: PID, args: ['/usr/bin/kubelet', `--config=${MAIN}`] });
    expect(findProcesses(node.proc).kubelets.map(({ pid }) => pid)).toEqual([PID]);
  });

  test('is not one that is just ending, whose command line is gone', () => {
    node.process(PID, { args: [] });
    expect(findProcesses(node.proc).kubelets).toEqual([]);
  });

  test.each([
    ['v2', '0::/system.slice/kubelet.service\n', 'kubelet.service'],
    ['v2 seen from another cgroup namespace', '0::/../../system.slice/kubelet.service\n', 'kubelet.service'],
    [
      'v2 with a cgroup below',
      '0::/system.slice/snap.kubelet.daemon.service/sub\n',
      'snap.kubelet.daemon.service',
    ],
    ['v1', '12:pids:/x.service\n1:name=systemd:/system.slice/kubelet.service\n0::/\n', 'kubelet.service'],
    ['no unit', '0::/kubelet\n', undefined],
  ])('has its unit from cgroup %s', (_, cgroup, unit) => {
    kubelet({ cgroup });
    expect(findProcesses(node.proc).kubelets[0]?.unit).toBe(unit);
  });

  test('lives until its pid is free or another process has it', () => {
    kubelet();
    const [process] = findProcesses(node.proc).kubelets;
    if (!process) throw new Error('not found');
    expect(isAlive(node.proc, process)).toBe(true);
    node.gone(PID);
    expect(isAlive(node.proc, process)).toBe(false);
    kubelet({ startTime: 7 });
    expect(isAlive(node.proc, process)).toBe(false);
  });
});

describe('where the list goes', () => {
  test('without --config-dir: the main file, also where the path is relative', async () => {
    kubelet({ cwd: '/var/lib', args: ['kubelet', '--config', 'kubelet/config.yaml'] });
    expect(await found()).toMatchObject({
      unit: 'kubelet.service',
      kind: 'main',
      path: MAIN,
      files: [{ path: MAIN, text: HEAD }],
      watched: [MAIN],
    });
  });

  test.each<[string, string[], string]>([
    ['no other drop-in', [], FIRST],
    ['one that sorts before', ['10-team.conf'], FIRST],
    ['one that sorts between our two names', ['99-z.conf'], LAST],
    ['a folder that sorts between', ['a/1.conf'], LAST],
    ['a folder that sorts before', ['99/zz.conf'], FIRST],
    ['capital letters, which sort before small ones', ['ZZ.conf'], LAST],
  ])('with %s', async (_, paths, expected) => {
    node.folder(FOLDER);
    for (const path of paths) node.file(`${FOLDER}/${path}`, LIST);
    kubelet({}, '--config-dir', FOLDER);
    expect(await found()).toMatchObject({ kind: 'dropIn', path: expected });
  });

  test('a drop-in without the list is no rival, one that takes it away is', async () => {
    node.file(`${FOLDER}/zzz.conf`, `${HEAD}port: 1\n`);
    kubelet({}, '--config-dir', FOLDER);
    expect(await found()).toMatchObject({ path: FIRST });
    node.file(`${FOLDER}/99-z.conf`, `${HEAD}allowedUnsafeSysctls: null\n`);
    expect(await found()).toMatchObject({ path: LAST });
  });

  test('files that the kubelet does not read count for nothing; ours are left out, links followed', async () => {
    node.file('/usr/share/10.conf', LIST);
    node.link(`${FOLDER}/10.conf`, '/usr/share/10.conf');
    for (const name of ['zzz.yaml', 'zzz.conf.tmp', 'README']) node.file(`${FOLDER}/${name}`, LIST);
    node.file(FIRST, LIST);
    node.file(LAST, LIST);
    kubelet({}, '--config-dir', FOLDER);
    expect(await found()).toMatchObject({
      path: FIRST,
      files: [
        { path: MAIN, text: HEAD },
        { path: `${FOLDER}/10.conf`, text: LIST },
      ],
    });
  });

  test('everything is watched that can change the answer: files, folders, and ours before it is there', async () => {
    node.file(`${FOLDER}/sub/1.conf`, HEAD);
    kubelet({}, '--config-dir', FOLDER);
    const { watched } = (await found()) as FoundKubelet;
    expect(watched.toSorted()).toEqual(
      [MAIN, FOLDER, `${FOLDER}/sub`, `${FOLDER}/sub/1.conf`, FIRST].toSorted(),
    );
  });
});

const endpoint = async (): Promise<unknown> => ((await found()) as FoundKubelet).endpoint;

describe('where the kubelet is asked', () => {
  test('at its defaults: this machine, its own certificate', async () => {
    kubelet();
    expect(await endpoint()).toEqual({
      host: '127.0.0.1',
      port: 10_250,
      certificate: node.at('/var/lib/kubelet/pki/kubelet.crt'),
      tokenFile: '/token',
      health: { host: '127.0.0.1', port: 10_248 },
    });
  });

  test('where its files say; a rotated certificate before one of its own', async () => {
    node.file(MAIN, `${HEAD}address: 10.0.0.1\nport: 1250\nhealthzBindAddress: "::1"\nhealthzPort: 1248\n`);
    node.file('/var/lib/kubelet/pki/kubelet.crt', 'own');
    node.file('/var/lib/kubelet/pki/kubelet-server-2026.pem', 'rotated');
    node.link(
      '/var/lib/kubelet/pki/kubelet-server-current.pem',
      '/var/lib/kubelet/pki/kubelet-server-2026.pem',
    );
    kubelet();
    expect(await endpoint()).toMatchObject({
      host: '10.0.0.1',
      port: 1250,
      certificate: node.at('/var/lib/kubelet/pki/kubelet-server-2026.pem'),
      health: { host: '::1', port: 1248 },
    });
  });

  test('where its flags say, which beat its files; every address is this machine, port 0 is none', async () => {
    node.file(MAIN, `${HEAD}address: 10.0.0.1\nport: 1\ntlsCertFile: /file.pem\nhealthzPort: 7\n`);
    node.file('/flag.pem', '');
    kubelet({}, '--address=0.0.0.0', '--port=2', '--tls-cert-file=/flag.pem', '--healthz-port=0');
    expect(await endpoint()).toMatchObject({
      host: '127.0.0.1',
      port: 2,
      certificate: node.at('/flag.pem'),
      health: undefined,
    });
  });
});
