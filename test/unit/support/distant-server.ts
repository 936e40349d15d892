import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { KeyPair } from '../../cluster/support/pki.ts';

/** Runs in a thread of its own. */
const SOURCE = `
const { readFileSync } = require('node:fs');
const { createSecureServer } = require('node:http2');
const { connect, createServer } = require('node:net');
const { parentPort, workerData } = require('node:worker_threads');
const { key, cert, delayMs } = workerData;
const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) });
server.on('stream', (stream) => stream.respond({ ':status': 200 }) || stream.write('{"type":"ADDED"}\\n'));
server.on('session', (session) => session.on('error', () => {}));
server.listen(0, '127.0.0.1', () => {
  const late = (from, to) => {
    from.on('data', (bytes) => setTimeout(() => to.destroyed || to.write(bytes), delayMs));
    from.on('close', () => to.destroy()).on('error', () => {});
  };
  const road = createServer((client) => {
    const upstream = connect(server.address().port, '127.0.0.1');
    late(client, upstream);
    late(upstream, client);
  });
  road.listen(0, '127.0.0.1', () => parentPort.postMessage(road.address().port));
});`;

/** A server with HTTP/2 that answers while this thread does nothing, delayMs away in each direction. Its watches stay open. */
export async function distantServer(
  { key, cert }: KeyPair,
  delayMs: number,
): Promise<{ port: number; close: () => Promise<unknown> }> {
  const worker = new Worker(SOURCE, { eval: true, workerData: { key, cert, delayMs } });
  const [port] = (await once(worker, 'message')) as [number];
  return { port, close: () => worker.terminate() };
}
