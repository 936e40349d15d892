import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { HttpsApiServer } from '../../operator/kube/https-api-server.ts';
import { makePki, type Pki } from '../cluster/support/pki.ts';
import { until } from './support/agent-fakes.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const json = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
) =>
  void response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify(body));

describe('the API server over node:https', () => {
  let folder: string;
  let pki: Pki;
  let server: Server;
  let handle: Handler;
  let connections: number;
  let api: HttpsApiServer;
  let now: number;
  const options = () => ({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    caFile: pki.ca.cert,
    tokenFile: join(folder, 'token'),
    now: () => now,
  });
  const get = (path = '/x') => api.request({ method: 'GET', path });
  const watch = async (signal = new AbortController().signal, seen: unknown[] = []): Promise<unknown[]> => {
    for await (const one of api.watch('/x', { resourceVersion: '5' }, signal)) seen.push(one);
    return seen;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-https-'));
    pki = await makePki(folder);
    const tls = { key: readFileSync(pki.server.key), cert: readFileSync(pki.server.cert) };
    server = createServer(tls, (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => handle(request, response, body));
    });
    server.on('secureConnection', () => connections++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    writeFileSync(join(folder, 'token'), 'token-1\n');
    now = 0;
    connections = 0;
    handle = (_, response) => json(response, 200, {});
    api = new HttpsApiServer(options());
  });
  afterEach(() => api.close());

  test('sends method, path, query, body and token, and decodes the answer', async () => {
    let got: unknown;
    handle = ({ method, url, headers }, response, body) => {
      got = { method, url, body, type: headers['content-type'], authorization: headers.authorization };
      json(response, 200, { name: 'Grüße €😀' });
    };
    const answer = await api.request({
      method: 'PATCH',
      path: '/apis/x/status',
      query: { fieldManager: 'a b&c' },
      contentType: 'application/merge-patch+json',
      body: { status: 'ä€😀' },
    });
    expect(answer).toEqual({ name: 'Grüße €😀' });
    expect(got).toEqual({
      method: 'PATCH',
      url: '/apis/x/status?fieldManager=a+b%26c',
      body: '{"status":"ä€😀"}',
      type: 'application/merge-patch+json',
      authorization: 'Bearer token-1',
    });
  });

  test('uses one connection for request after request, refused ones too', async () => {
    handle = ({ url }, response) => json(response, url === '/no' ? 404 : 200, {});
    await get();
    await expect(get('/no')).rejects.toMatchObject({ status: 404 });
    await get();
    await get();
    expect(connections).toBe(1);
  });

  test('opens no more than four connections at once, and serves every request', async () => {
    handle = (_, response) => void setTimeout(() => json(response, 200, {}), 10);
    const answers = await Promise.all(Array.from({ length: 20 }, () => get()));
    expect(answers).toHaveLength(20);
    expect(connections).toBe(4);
  });

  test.each<[number, unknown, Record<string, string>, Record<string, unknown>]>([
    [
      409,
      { reason: 'Conflict', message: 'the object has been modified' },
      {},
      {
        reason: 'Conflict',
        message: 'GET /x: 409 the object has been modified',
        retryAfterMs: undefined,
        terminal: false,
      },
    ],
    [403, { reason: 'Forbidden' }, {}, { message: 'GET /x: 403 Forbidden', terminal: true }],
    [422, { reason: 'Invalid' }, {}, { terminal: true }],
    [429, {}, { 'retry-after': '3' }, { retryAfterMs: 3000, terminal: false }],
    [503, { details: { retryAfterSeconds: 7 } }, {}, { retryAfterMs: 7000 }],
    [
      503,
      {},
      { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' },
      { retryAfterMs: undefined, terminal: false },
    ],
  ])('tells status %i with what the server says: %j %j', async (status, body, headers, expected) => {
    handle = (_, response) => json(response, status, body, headers);
    await expect(get()).rejects.toMatchObject({ name: 'ApiError', code: 'ApiRequest', status, ...expected });
  });

  test('tells an answer that is no JSON with its beginning', async () => {
    handle = (_, response) => void response.writeHead(502).end(`<html>${'x'.repeat(2000)}`);
    const error = await get().catch((e: unknown) => e as Error);
    expect(error).toMatchObject({ status: 502, message: expect.stringContaining('GET /x: 502 <html>xxx') });
    expect((error as Error).message.length).toBeLessThan(600);
  });

  test('a connection that breaks is no answer of the server, and the next request has a new one', async () => {
    handle = (request) => void request.socket.destroy();
    await expect(get()).rejects.toMatchObject({ code: 'ECONNRESET' });
    handle = (_, response) => json(response, 200, { fine: true });
    await expect(get()).resolves.toEqual({ fine: true });
  });

  test('an answer that ends in its middle is an error', async () => {
    handle = (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"a":1');
      setTimeout(() => response.destroy(), 5);
    };
    await expect(get()).rejects.toThrow('aborted');
  });

  test('a request can be given up', async () => {
    handle = () => {};
    const stop = new AbortController();
    const request = api.request({ method: 'GET', path: '/x', signal: stop.signal });
    setTimeout(() => stop.abort(), 10);
    await expect(request).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('reads its token again once a minute, and at once when the server does not take it', async () => {
    const used: (string | undefined)[] = [];
    handle = ({ headers }, response) => {
      used.push(headers.authorization);
      json(response, headers.authorization === 'Bearer token-2' && now > 100_000 ? 401 : 200, {});
    };
    await get();
    writeFileSync(join(folder, 'token'), 'token-2\n');
    now = 59_000;
    await get();
    now = 61_000;
    await get();
    writeFileSync(join(folder, 'token'), 'token-3\n');
    now = 101_000;
    await expect(get()).rejects.toMatchObject({ status: 401 });
    await get();
    expect(used.map((a) => a?.slice(-1))).toEqual(['1', '1', '2', '2', '3']);
  });

  test('does not talk to a server whose certificate its authority did not sign', async () => {
    const stranger = new HttpsApiServer({ ...options(), caFile: pki.admin.cert });
    await expect(stranger.request({ method: 'GET', path: '/x' })).rejects.toThrow(/certificate/);
    stranger.close();
  });

  describe('a watch', () => {
    test('yields an event per line however the bytes arrive', async () => {
      const events = [{ type: 'ADDED', note: 'Grüße €😀' }, { type: 'MODIFIED' }, { type: 'BOOKMARK' }];
      let asked = '';
      handle = ({ url }, response) => {
        asked = url ?? '';
        const bytes = Buffer.from(events.map((e) => `${JSON.stringify(e)}\n`).join(''));
        void (async () => {
          response.writeHead(200);
          // One byte at a time: in the middle of lines and of characters.
          for (const byte of bytes) {
            response.write(Buffer.from([byte]));
            // eslint-disable-next-line no-await-in-loop
            await sleep(1);
          }
          response.end();
        })();
      };
      expect(await watch()).toEqual(events);
      expect(asked).toBe('/x?resourceVersion=5&watch=true');
    });

    test('yields many events of one chunk, also large ones', async () => {
      const events = Array.from({ length: 50 }, (_, i) => ({ type: 'ADDED', i, text: '€'.repeat(5000) }));
      handle = (_, response) => void response.end(events.map((e) => `${JSON.stringify(e)}\n`).join(''));
      expect(await watch()).toEqual(events);
    });

    test('yields an event before the server ends the stream', async () => {
      handle = (_, response) => void response.write('{"type":"ADDED"}\n');
      const stop = new AbortController();
      const seen: unknown[] = [];
      const watching = watch(stop.signal, seen);
      await until(() => seen.length === 1);
      stop.abort();
      await expect(watching).rejects.toThrow('aborted');
    });

    test('rejects with the status where the server refuses it', async () => {
      handle = (_, response) => json(response, 410, { reason: 'Expired' });
      await expect(watch()).rejects.toMatchObject({ status: 410 });
    });

    test('rejects where the connection breaks, after what has come whole', async () => {
      handle = (_, response) => {
        response.write('{"type":"ADDED"}\n{"type":"MODI');
        setTimeout(() => response.destroy(), 20);
      };
      const seen: unknown[] = [];
      await expect(watch(undefined, seen)).rejects.toThrow('aborted');
      expect(seen).toEqual([{ type: 'ADDED' }]);
    });

    test('leaves room for requests beside it', async () => {
      handle = ({ url }, response) => {
        if (url?.includes('watch')) response.write('{"type":"ADDED"}\n');
        else json(response, 200, { fine: true });
      };
      const stop = new AbortController();
      const seen: unknown[] = [];
      const watching = watch(stop.signal, seen).catch(() => 'ended');
      await until(() => seen.length === 1);
      await expect(get()).resolves.toEqual({ fine: true });
      stop.abort();
      expect(await watching).toBe('ended');
    });
  });
});
