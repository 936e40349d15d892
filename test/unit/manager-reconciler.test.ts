import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReconcileLoop } from '../../operator/manager/reconciler.ts';
import { recordingLog, until, type LogLine } from './support/agent-fakes.ts';

const cpuMs = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};

describe('the reconcile loop', () => {
  let stop: AbortController;
  let running: Promise<void> | undefined;
  let lines: LogLine[];
  let results: boolean[];
  beforeEach(() => {
    stop = new AbortController();
    lines = [];
    results = [];
  });
  afterEach(async () => {
    stop.abort();
    await running;
  });

  const start = (work: () => Promise<void>): ReconcileLoop => {
    const loop = new ReconcileLoop(work, recordingLog(lines), (_seconds, ok) => void results.push(ok));
    running = loop.run(stop.signal);
    return loop;
  };

  test('does nothing before it is triggered', async () => {
    const loop = start(async () => {});
    await sleep(20);
    expect(results).toEqual([]);
    loop.trigger();
    await until(() => results.length === 1);
  });

  test('a trigger from before its start is not lost', async () => {
    const loop = new ReconcileLoop(
      async () => {},
      recordingLog(),
      (_seconds, ok) => void results.push(ok),
    );
    loop.trigger();
    running = loop.run(stop.signal);
    await until(() => results.length === 1);
    expect(results).toEqual([true]);
  });

  test('any number of triggers during a run make one more run, and never two at once', async () => {
    let active = 0;
    let most = 0;
    const loop = start(async () => {
      most = Math.max(most, ++active);
      await sleep(15);
      active--;
    });
    loop.trigger();
    await until(() => active === 1);
    for (let i = 0; i < 100; i++) loop.trigger();
    await until(() => results.length === 2);
    await sleep(40);
    expect({ runs: results.length, most }).toEqual({ runs: 2, most: 1 });
  });

  test('a storm of triggers uses a quarter of the time at most', async () => {
    let busy = 0;
    const started = performance.now();
    const loop = start(async () => {
      const before = process.cpuUsage();
      while (cpuMs(before) < 20);
      busy += 20;
    });
    const storm = setInterval(() => loop.trigger(), 1);
    await until(() => results.length >= 10);
    clearInterval(storm);
    expect(busy).toBeLessThanOrEqual((performance.now() - started) * 0.33);
  });

  test('a run that only waits for answers is followed by the next one at once', async () => {
    let ended = 0;
    const pauses: number[] = [];
    const loop = start(async () => {
      if (ended > 0) pauses.push(performance.now() - ended);
      await sleep(100);
      ended = performance.now();
      loop.trigger();
    });
    loop.trigger();
    await until(() => pauses.length >= 5);
    expect(Math.min(...pauses)).toBeLessThan(50);
  });

  test('a failed run is told and tried again by itself', async () => {
    let runs = 0;
    const loop = start(async () => {
      if (++runs === 1) throw new Error('boom');
    });
    loop.trigger();
    await until(() => results.length === 2);
    expect(results).toEqual([false, true]);
    expect(lines).toMatchObject([{ level: 'error', message: 'reconcile failed: boom' }]);
  });

  test('can be triggered later: once, at the earliest of all times', async () => {
    const loop = start(async () => {});
    const began = performance.now();
    loop.triggerAfter(30);
    loop.triggerAfter(60);
    await until(() => results.length === 1);
    expect(performance.now() - began).toBeGreaterThanOrEqual(28);
    await sleep(60);
    expect(results).toHaveLength(1);
  });

  // After failures the next run is up to 30 s away; a run that goes well in between wants the next one in 0.5 s.
  test('an earlier time takes the place of a later one', async () => {
    const loop = start(async () => {});
    loop.triggerAfter(5000);
    loop.triggerAfter(10);
    await sleep(100);
    expect(results).toHaveLength(1);
  });

  test('says for how long the run that is under way has been going', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const loop = start(() => promise);
    expect(loop.runningMs).toBe(0);
    loop.trigger();
    await until(() => loop.runningMs > 10);
    resolve();
    await until(() => results.length === 1);
    expect(loop.runningMs).toBe(0);
  });

  test('ends when it is aborted, after the run that is under way', async () => {
    let finished = false;
    const loop = start(async () => {
      await sleep(20);
      finished = true;
    });
    loop.trigger();
    await until(() => loop.runningMs > 0);
    stop.abort();
    await running;
    expect(finished).toBe(true);
  });
});
