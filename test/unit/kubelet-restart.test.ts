import { beforeEach, describe, expect, test } from '@jest/globals';
import type { KubeletEndpoint } from '../../operator/agent/kubelet/endpoint.ts';
import { restartKubelet, type RestartResult } from '../../operator/agent/kubelet/restart.ts';
import type { ServiceManager, UnitState } from '../../operator/agent/kubelet/systemd.ts';
import { FakeClock } from './support/kubelet-fakes.ts';

const UNIT = 'kubelet.service';
const TIMEOUT = 60_000;

/** What the node shows at the n-th look after the restart; the last one stays. */
interface Look {
  unit?: UnitState | undefined;
  healthy?: boolean;
  list?: string[] | Error;
}

let clock: FakeClock;
let looks: number;
beforeEach(() => {
  clock = new FakeClock();
  looks = 0;
});

const NEW: UnitState = { mainPid: 2, restarts: 0 };

function restarted(
  script: Look[],
  { words = '', services = {} }: { words?: string; services?: Partial<ServiceManager> } = {},
): Promise<RestartResult> {
  let asked = 0;
  const now = (): Look => script[Math.min(looks, script.length - 1)] ?? {};
  clock.onSleep = () => looks++;
  const endpoint: KubeletEndpoint = {
    healthy: () => Promise.resolve(now().healthy ?? true),
    list: () => {
      const { list = ['wanted'] } = now();
      return list instanceof Error ? Promise.reject(list) : Promise.resolve(list);
    },
    pods: () => Promise.resolve([]),
    close: () => {},
  };
  return restartKubelet({
    unit: UNIT,
    services: {
      show: () => {
        if (asked++ === 0) return Promise.resolve({ mainPid: 1, restarts: 9 });
        const look = now();
        return Promise.resolve('unit' in look ? look.unit : NEW);
      },
      restart: () => Promise.resolve(),
      lastWords: () => Promise.resolve(words),
      ...services,
    },
    endpoint,
    check: (live) => (live.includes('wanted') ? undefined : `it has ${live.join(' ')}`),
    timeoutMs: TIMEOUT,
    clock,
  });
}

describe('a kubelet that is restarted', () => {
  test('is up once it has a new process, is healthy and has the list', async () => {
    const script = [
      { unit: { mainPid: 0, restarts: 0 } },
      { healthy: false },
      { list: new Error('refused') },
      { list: ['wanted', 'x'] },
    ];
    expect(await restarted(script)).toEqual({ state: 'up', live: ['wanted', 'x'] });
    expect(looks).toBe(3);
  });

  test('is not taken for up while the old process still answers', async () => {
    expect(await restarted([{ unit: { mainPid: 1, restarts: 0 } }])).toMatchObject({ state: 'down' });
    expect(clock.monotonic()).toBeGreaterThanOrEqual(TIMEOUT);
  });

  test('is down at once when it runs with another list', async () => {
    expect(await restarted([{ list: ['other'] }])).toEqual({ state: 'down', message: 'it has other' });
    expect(looks).toBe(0);
  });

  test('is down when systemd has started it again twice, not after the first time', async () => {
    const script = [1, 2].map((restarts) => ({ unit: { mainPid: 0, restarts } }));
    const result = await restarted([{ unit: { mainPid: 0, restarts: 0 } }, ...script]);
    expect(result).toEqual({ state: 'down', message: `${UNIT} ended 2 times` });
    expect(looks).toBe(2);
    expect(await restarted([{ unit: { mainPid: 2, restarts: 1 } }])).toMatchObject({ state: 'up' });
  });

  test('is down when it is not healthy in time', async () => {
    expect(await restarted([{ healthy: false }])).toEqual({
      state: 'down',
      message: `${UNIT} was not healthy within 60 s`,
    });
  });

  test('is unread when it runs to the end of the time and does not tell its list', async () => {
    expect(await restarted([{ list: new Error('status 403') }])).toEqual({
      state: 'unread',
      message: 'status 403',
    });
  });

  test('is down when it did not tell its list and is gone at the end', async () => {
    const script = [{ list: new Error('status 403') }, { unit: { mainPid: 0, restarts: 0 } }];
    expect(await restarted(script)).toMatchObject({ state: 'down' });
  });

  test('is down when systemd refuses, without waiting', async () => {
    const services = { restart: () => Promise.reject(new Error('Unit is masked.')) };
    expect(await restarted([{}], { services })).toEqual({
      state: 'down',
      message: `${UNIT} was not restarted: Unit is masked.`,
    });
    expect(clock.monotonic()).toBe(0);
  });

  test('is waited for when systemd does not answer for a while', async () => {
    expect(await restarted([{ unit: undefined }, {}])).toMatchObject({ state: 'up' });
  });
});

describe('why it ended', () => {
  test.each([
    [
      'the error of the last line that has one',
      'E1 a.go:1] "first" err="one"\nE2 a.go:2] "failed" err="the \\"x\\" is bad"\nStopped.\n',
      ': the "x" is bad',
    ],
    ['a line without a quoted error', 'Error: unknown flag: --x\nUsage:\n', ': Error: unknown flag: --x'],
    ['no line about an error', 'Started kubelet.\n', ''],
    ['nothing', '', ''],
  ])('is %s', async (_, words, message) => {
    const result = await restarted(
      [{ unit: { mainPid: 0, restarts: 0 } }, { unit: { mainPid: 0, restarts: 5 } }],
      {
        words,
      },
    );
    expect(result).toEqual({ state: 'down', message: `${UNIT} ended 5 times${message}` });
  });

  test('is cut where it is long', async () => {
    const result = await restarted([{ healthy: false }], { words: `error: ${'x'.repeat(5000)}` });
    expect(result.state === 'down' && result.message.length).toBeLessThan(500);
  });
});
