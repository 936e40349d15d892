import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RedisHealth } from '../../operator/manager/redis-health.ts';
import { recordingLog, until } from './support/agent-fakes.ts';

const refused = async (): Promise<void> => {
  throw new Error('connect ECONNREFUSED');
};

describe('whether Redis answers', () => {
  let stop: AbortController;
  let running: Promise<void>;
  let told: boolean[];
  let log: ReturnType<typeof recordingLog>;
  let asked: number;
  let answer: () => Promise<void>;
  let health: RedisHealth;
  beforeEach(() => {
    stop = new AbortController();
    told = [];
    log = recordingLog();
    asked = 0;
    answer = async () => {};
    health = new RedisHealth({
      ping: () => {
        asked++;
        return answer();
      },
      onChange: (up) => void told.push(up),
      log,
      everyMs: 5,
      answerMs: 30,
      tellMs: 60,
    });
    running = health.run(stop.signal);
  });
  afterEach(async () => {
    stop.abort();
    await running;
  });

  test('is told once for each outage, however long it is, and once when it is over', async () => {
    await until(() => health.up);
    for (const outage of [1, 2]) {
      answer = refused;
      await until(() => told.length === 2 * outage - 1);
      const before = asked;
      await until(() => asked > before + 20);
      expect(health.up).toBe(false);
      answer = async () => {};
      await until(() => health.up);
      await until(() => told.length === 2 * outage);
    }
    expect(told).toEqual([false, true, false, true]);
    expect(log.lines.map(({ level }) => level)).toEqual(['error', 'info', 'error', 'info']);
  });

  test('is no where nobody answers, and the question is not asked again beside itself', async () => {
    await until(() => health.up);
    const reply = Promise.withResolvers<void>();
    answer = () => reply.promise;
    await until(() => told.length === 1);
    const before = asked;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(asked).toBe(before);
    answer = async () => {};
    reply.resolve();
    await until(() => health.up);
  });

  test('is not told of where it is over soon', async () => {
    await until(() => health.up);
    answer = refused;
    await until(() => !health.up);
    answer = async () => {};
    await until(() => health.up);
    expect(told).toEqual([]);
    expect(log.lines).toEqual([]);
  });
});
