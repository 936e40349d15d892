import { beforeEach, describe, expect, test } from '@jest/globals';
import { EventRecorder, type EventDraft } from '../../operator/kube/events.ts';
import { apiError, recordingLog, StubApiServer, until } from './support/agent-fakes.ts';

const MINUTE = 60_000;

describe('recorded events', () => {
  let api: StubApiServer;
  let now: number;
  let events: EventRecorder;
  const log = recordingLog();
  beforeEach(() => {
    api = new StubApiServer();
    now = Date.UTC(2026, 0, 1);
    log.lines.length = 0;
    events = new EventRecorder({ api, controller: 'test/manager', instance: 'pod-1', log, now: () => now });
  });

  const record = (note = 'all done', more: Partial<EventDraft> = {}, uid = 'u-1'): void =>
    events.record({
      regarding: { apiVersion: 'v1', kind: 'Node', name: 'a', uid },
      type: 'Normal',
      reason: 'Ready',
      action: 'Reconcile',
      note,
      ...more,
    });
  const methods = (): string[] => api.requests.map((r) => r.method);

  test('are events.k8s.io/v1 objects about the object, from this pod', () => {
    record();
    expect(api.requests).toMatchObject([
      {
        method: 'POST',
        path: '/apis/events.k8s.io/v1/namespaces/default/events',
        body: {
          metadata: { name: expect.stringMatching(/^a\.[0-9a-f]+$/), namespace: 'default' },
          eventTime: '2026-01-01T00:00:00.000000Z',
          reportingController: 'test/manager',
          reportingInstance: 'pod-1',
          regarding: { name: 'a', uid: 'u-1' },
          type: 'Normal',
          reason: 'Ready',
          action: 'Reconcile',
          note: 'all done',
        },
      },
    ]);
  });

  test('are cut to what the API server takes', () => {
    record('x'.repeat(5000));
    expect(api.requests).toMatchObject([{ body: { note: 'x'.repeat(1024) } }]);
  });

  test('become a series when they come again, told every five minutes', () => {
    record();
    for (let i = 0; i < 9; i++) {
      now += MINUTE;
      record();
    }
    expect(methods()).toEqual(['POST', 'PATCH']);
    const [first, second] = api.requests as { path: string; body: { metadata: { name: string } } }[];
    expect(second?.path).toBe(`${first?.path}/${first?.body.metadata.name}`);
    expect(second).toMatchObject({
      body: { series: { count: 6, lastObservedTime: '2026-01-01T00:05:00.000000Z' } },
    });
  });

  test('are new again after ten minutes without them', () => {
    record();
    now += 10 * MINUTE + 1;
    record();
    expect(methods()).toEqual(['POST', 'POST']);
  });

  test.each<[string, () => void]>([
    ['note', () => record('other')],
    ['reason', () => record('all done', { reason: 'Drifted' })],
    ['type', () => record('all done', { type: 'Warning' })],
    ['object', () => record('all done', {}, 'u-2')],
  ])('with another %s are other events', (_, again) => {
    record();
    again();
    expect(methods()).toEqual(['POST', 'POST']);
  });

  test('about one object are 25 at once and then one a minute; others are not held back', () => {
    for (let i = 0; i < 40; i++) record(`note ${i}`);
    expect(api.requests).toHaveLength(25);
    record('other object', {}, 'u-2');
    expect(api.requests).toHaveLength(26);
    now += MINUTE;
    record('a minute later');
    record('and at once again');
    expect(api.requests).toHaveLength(27);
  });

  // Attempts that are refused must not cost anything, else an object that says something new every half minute is never heard again.
  test('about an object that has much to tell go on once a minute', () => {
    for (let i = 0; i < 25; i++) record(`note ${i}`);
    for (let i = 0; i < 20; i++) {
      now += MINUTE / 2;
      record(`later ${i}`);
    }
    expect(api.requests).toHaveLength(35);
  });

  test('that cannot be recorded are a line in the log, never an error', async () => {
    api.answer = () => {
      throw apiError(403);
    };
    expect(() => record()).not.toThrow();
    await until(() => log.lines.length === 1);
    expect(log.lines[0]).toMatchObject({ level: 'warn', message: 'an event was not recorded' });
  });

  test('that were not recorded are new ones when they come again', async () => {
    api.answer = () => {
      throw apiError(500);
    };
    record();
    await until(() => log.lines.length === 1);
    api.answer = () => ({});
    record();
    expect(methods()).toEqual(['POST', 'POST']);
  });

  test('do not pile up while the API server does not answer', async () => {
    const away = Promise.withResolvers<object>();
    api.answer = () => away.promise;
    for (let i = 0; i < 300; i++) record('all done', {}, `u-${i}`);
    expect(api.requests.length).toBe(100);
    away.resolve({});
    await new Promise((resolve) => setImmediate(resolve));
    record('all done', {}, 'u-299');
    expect(api.requests.length).toBe(101);
  });
});
