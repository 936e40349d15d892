import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { NodeAgent } from '../../operator/agent/agent.ts';
import { KernelTruth, kernelVersion } from '../../operator/agent/kernel-truth.ts';
import type { KubeletManager } from '../../operator/agent/kubelet/types.ts';
import { StatusWriter } from '../../operator/agent/status-writer.ts';
import type { RevisionData } from '../../operator/api/revision.ts';
import type { KernelStatus } from '../../operator/api/state.ts';
import {
  type LogLine,
  MemoryFiles,
  MemoryKernel,
  recordingLog,
  revision,
  stateOf,
  StubApiServer,
  until,
} from './support/agent-fakes.ts';

const LACKING: KernelStatus = { digest: 'one', differences: { missing: ['net.ipv4.vs.*'] } };
const WHOLE: KernelStatus = { digest: 'two' };

let kernel: KernelStatus | Error;
let version: string;
let now: number;
let looks: number;
let lines: LogLine[];
let truth: KernelTruth;

beforeEach(() => {
  [kernel, version, now, looks, lines] = [LACKING, 'v1', 0, 0, []];
  truth = new KernelTruth({
    version: () => version,
    now: () => now,
    log: recordingLog(lines),
    probe: async () => {
      looks++;
      if (kernel instanceof Error) throw kernel;
      return { kernel, problems: '' };
    },
  });
});

describe('an agent looks at its kernel', () => {
  test('once, however often it is asked', async () => {
    expect([await truth.look(), await truth.look(), looks]).toEqual([true, false, 1]);
    expect(truth.status).toEqual(LACKING);
  });

  test('again when the kernel may have changed', async () => {
    await truth.look();
    [version, kernel] = ['v2', WHOLE];
    expect(await truth.look()).toBe(true);
    expect(truth.status).toEqual(WHOLE);
  });

  test('and says so when it found the same as before', async () => {
    await truth.look();
    version = 'v2';
    expect([await truth.look(), looks]).toEqual([false, 2]);
  });

  test('again after a while when that failed, and keeps what it knew', async () => {
    await truth.look();
    [version, kernel] = ['v2', new Error('no unshare here')];
    expect(await truth.look()).toBe(false);
    expect(truth.status).toEqual(LACKING);
    expect(lines.at(-1)).toMatchObject({ level: 'warn', message: 'no unshare here' });
    await truth.look();
    expect(looks).toBe(2);
    [now, kernel] = [10 * 60_000, WHOLE];
    expect(await truth.look()).toBe(true);
  });

  test('and withholds from the kubelet what it cannot give to pods', async () => {
    await truth.look();
    expect(truth.allowed(['net.core.*', 'net.ipv4.vs.conntrack'])).toEqual({
      patterns: ['net.core.*'],
      withheld: [
        {
          name: 'net.ipv4.vs.conntrack',
          state: 'Unsupported',
          message: 'net.ipv4.vs.conntrack: this kernel does not have it: pods cannot set it',
        },
      ],
    });
  });

  test('and withholds nothing before', () => {
    expect(truth.allowed(['net.ipv4.vs.conntrack'])).toEqual({
      patterns: ['net.ipv4.vs.conntrack'],
      withheld: [],
    });
  });
});

describe('the version of a kernel', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-modules-'));
  const file = join(folder, 'modules');
  afterAll(() => rmSync(folder, { recursive: true }));
  const of = (modules: string, release = '6.18.1'): string => {
    writeFileSync(file, modules);
    return kernelVersion(release, file);
  };
  const VS = 'ip_vs 180224 0 - Live 0x0000000000000000\n';
  const BRIDGE = 'bridge 294912 1 br_netfilter, Live 0x0000000000000000\n';

  test.each<[string, string, string]>([
    ['who uses a module', VS + BRIDGE, VS + BRIDGE.replace('1 br_netfilter,', '0 -')],
    ['the order of modules', VS + BRIDGE, BRIDGE + VS],
  ])('does not depend on %s', (_, one, other) => {
    expect(of(one)).toBe(of(other));
  });

  test.each<[string, string, string]>([
    ['another module', VS, VS + BRIDGE],
    ['a module that has come up', VS.replace('Live', 'Loading'), VS],
  ])('changes with %s', (_, one, other) => {
    expect(of(one)).not.toBe(of(other));
  });

  test('changes with the release, also without modules', () => {
    const missing = join(folder, 'none');
    expect(kernelVersion('6.1', missing)).not.toBe(kernelVersion('6.2', missing));
  });
});

const agentWith = (data: RevisionData) => {
  const [api, stop, lists] = [new StubApiServer(), new AbortController(), [] as string[][]];
  api.answer = ({ method }) => (method === 'GET' ? { data } : {});
  const manager: KubeletManager = {
    recover: async () => {},
    refresh: async () => ({ state: 'Synced', allowedUnsafeSysctls: lists.at(-1) ?? [] }),
    reconcile: async (wanted) => {
      lists.push([...wanted]);
      return { state: 'Synced', allowedUnsafeSysctls: [...wanted] };
    },
  };
  const log = recordingLog(lines);
  const agent = new NodeAgent({
    api,
    truth,
    log,
    kernel: new MemoryKernel({ 'vm.swappiness': '60' }),
    files: new MemoryFiles(),
    kubelet: async () => manager,
    events: { record: () => {} },
    status: new StatusWriter(api, 'worker-1', log, stop.signal),
    namespace: 'sysctl',
    stateDir: '/state',
    signal: stop.signal,
  });
  return { agent, api, lists };
};

describe('a node whose kernel is not as the catalog says', () => {
  const { data } = revision('sysctl-1', [], ['kernel.msgmax', 'net.ipv4.vs.conntrack']);

  test('does not allow to pods what it lacks, and says so beside what it found', async () => {
    const { agent, api, lists } = agentWith(data);
    agent.stateChanged(stateOf('sysctl-1'));
    await until(() => api.statuses.length > 0);
    expect(lists).toEqual([['kernel.msgmax']]);
    expect(api.statuses.at(-1)).toMatchObject({
      kernel: LACKING,
      deviations: [{ name: 'net.ipv4.vs.conntrack', state: 'Unsupported' }],
      sysctls: { unsupported: 1 },
      // Whether that is a failure is for the profile to say.
      conditions: [{ type: 'Ready', status: 'True' }],
    });
  });

  test('allows it as soon as the kernel has it', async () => {
    const { agent, api, lists } = agentWith(data);
    agent.stateChanged(stateOf('sysctl-1'));
    await until(() => api.statuses.length > 0);
    [version, kernel] = ['v2', WHOLE];
    agent.sweep();
    await until(() => api.statuses.at(-1)?.kernel?.digest === 'two');
    expect(lists.at(-1)).toEqual(['kernel.msgmax', 'net.ipv4.vs.conntrack']);
    expect(api.statuses.at(-1)).toMatchObject({ deviations: [], sysctls: { unsupported: 0 } });
  });

  test.each([
    [true, 'True', 'AllInSync'],
    [false, 'False', 'SysctlFailed'],
  ])('reports what its revision leaves out; optional %s: Ready is %s', async (optional, status, reason) => {
    const message = 'net.ipv4.vs.conntrack: this kernel does not have it: pods cannot set it';
    const leftOut = { name: 'net.ipv4.vs.conntrack', optional, profiles: ['test'], message };
    const { agent, api } = agentWith({ ...revision('r', []).data, unsupported: [leftOut] });
    agent.stateChanged(stateOf('sysctl-1'));
    await until(() => api.statuses.length > 0);
    expect(api.statuses.at(-1)).toMatchObject({
      deviations: [{ name: 'net.ipv4.vs.conntrack', state: 'Unsupported', message }],
      sysctls: { unsupported: 1 },
      conditions: [{ type: 'Ready', status, reason }],
    });
  });
});
