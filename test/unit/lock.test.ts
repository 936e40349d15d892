import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { onlyAgentOfNode } from '../../operator/agent/lock.ts';
import { recordingLog, until } from './support/agent-fakes.ts';

const stop = new AbortController();
const open: { close: () => void }[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

const newName = (): string => `\0sysctl-operator-test-${randomUUID()}`;

async function locked(
  name: string,
  signal = stop.signal,
  log = recordingLog(),
): Promise<{ close: () => void }> {
  const server = await onlyAgentOfNode(log, signal, name);
  if (!server) throw new Error('no lock');
  open.push(server);
  return server;
}

test('the first agent has the node at once and says nothing', async () => {
  const log = recordingLog();
  await locked(newName(), stop.signal, log);
  expect(log.lines).toEqual([]);
});

test('a second one waits for the end of the first, and says so once', async () => {
  const name = newName();
  const first = await locked(name);
  const log = recordingLog();
  let second = false;
  const waiting = locked(name, stop.signal, log).then(() => (second = true));
  await until(() => log.lines.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(second).toBe(false);
  expect(log.lines.map(({ message }) => message)).toEqual([
    'another agent still runs on this node: waiting for its end',
  ]);
  first.close();
  expect(await waiting).toBe(true);
});

test('one that is told to stop while it waits goes at once, without the lock', async () => {
  const name = newName();
  await locked(name);
  const abort = new AbortController();
  const log = recordingLog();
  const waiting = onlyAgentOfNode(log, abort.signal, name);
  await until(() => log.lines.length > 0);
  abort.abort();
  expect(await waiting).toBeUndefined();
});

test('nobody can talk to the lock', async () => {
  const name = newName();
  await locked(name);
  const socket = connect(name);
  const received: unknown[] = [];
  socket.on('data', (data) => received.push(data)).on('error', () => {});
  await new Promise((resolve) => socket.on('close', resolve));
  expect(received).toEqual([]);
});

test('a name that cannot be taken is an error, not a wait', async () => {
  await expect(onlyAgentOfNode(recordingLog(), stop.signal, '/no/such/folder/lock')).rejects.toThrow(
    '/no/such',
  );
});
