import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { NodeSysctlStateStatus } from '../../operator/api/state.ts';
import { StatusWriter } from '../../operator/agent/status-writer.ts';
import { apiError, recordingLog, StubApiServer, until } from './support/agent-fakes.ts';

const status = (observedRevision: string): NodeSysctlStateStatus => ({
  observedRevision,
  originals: { 'b.b': '1', 'a.a': '2' },
});

describe('writing the status', () => {
  let api: StubApiServer;
  let stop: AbortController;
  let writer: StatusWriter;

  beforeEach(() => {
    api = new StubApiServer();
    stop = new AbortController();
    writer = new StatusWriter(api, 'worker-1', recordingLog(), stop.signal);
  });

  const settled = async (count: number): Promise<void> => {
    await until(() => api.requests.length >= count);
    await new Promise((resolve) => setImmediate(resolve));
  };

  test('is a forced server-side apply of the status of the own state', async () => {
    writer.write(status('one'));
    await settled(1);
    expect(api.requests[0]).toMatchObject({
      method: 'PATCH',
      path: '/apis/sysctl-operator.dev/v1alpha1/nodesysctlstates/worker-1/status',
      query: { fieldManager: 'sysctl-operator-agent', force: 'true' },
      contentType: 'application/apply-patch+yaml',
      body: { kind: 'NodeSysctlState', metadata: { name: 'worker-1' }, status: status('one') },
    });
  });

  test('that is refused for good is not repeated, and the next one is tried at once', async () => {
    api.answer = () => {
      throw apiError(422);
    };
    writer.write(status('one'));
    await settled(1);
    await sleep(600);
    expect(api.requests).toHaveLength(1);
    writer.write(status('one'));
    await sleep(50);
    expect(api.requests).toHaveLength(1);
    writer.write(status('two'));
    await settled(2);
    stop.abort();
  });

  test('happens once per change', async () => {
    writer.write(status('one'));
    await settled(1);
    writer.write(status('one'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(api.requests).toHaveLength(1);
  });

  test('does not happen when the API server has that status already, in whatever order of keys', async () => {
    writer.saw({ originals: { 'a.a': '2', 'b.b': '1' }, observedRevision: 'one' });
    writer.write(status('one'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(api.requests).toHaveLength(0);
  });

  test('happens again when somebody else has changed it', async () => {
    writer.write(status('one'));
    await settled(1);
    writer.saw({ ...status('one'), bootID: 'forged' });
    writer.write(status('one'));
    await settled(2);
    expect(api.statuses).toEqual([status('one'), status('one')]);
  });

  test('skips what is out of date by the time the API server answers', async () => {
    const answers: (() => void)[] = [];
    api.answer = () => new Promise<void>((resolve) => answers.push(resolve));
    writer.write(status('one'));
    await settled(1);
    writer.write(status('two'));
    writer.write(status('three'));
    answers[0]?.();
    await settled(2);
    expect(api.statuses.map((s) => s.observedRevision)).toEqual(['one', 'three']);
    answers[1]?.();
  });

  test('is repeated until it is there', async () => {
    let failures = 3;
    api.answer = () => {
      if (failures-- > 0) throw apiError(503, 1);
    };
    writer.write(status('one'));
    await settled(4);
    expect(api.statuses).toHaveLength(4);
  });

  test('ends quietly when the state was deleted, and starts again with the next one', async () => {
    api.answer = () => {
      throw apiError(404);
    };
    writer.write(status('one'));
    await settled(1);
    api.answer = () => ({});
    writer.saw(undefined);
    writer.write(status('one'));
    await settled(2);
    expect(api.requests).toHaveLength(2);
  });
});
