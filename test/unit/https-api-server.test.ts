import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { HttpsApiServer } from '../../operator/kube/https-api-server.ts';
import { serviceAccountApiServer } from '../../operator/kube/service-account.ts';
import { makePki, type Pki } from '../cluster/support/pki.ts';
import { until } from './support/agent-fakes.ts';
import { answer, breakOff, tlsServer, write, type Handler, type TlsServer } from './support/tls-server.ts';

describe.each(['HTTP/2', 'HTTP/1.1'] as const)('the API server over %s', (protocol) => {
  let folder: string;
  let pki: Pki;
  let server: TlsServer;
  let api: HttpsApiServer;
  let now: number;
  const options = () => ({
    host: '127.0.0.1',
    port: server.port,
    caFile: pki.ca.cert,
    tokenFile: join(folder, 'token'),
    now: () => now,
  });
  const handle = (handler: Handler): void => void (server.handle = handler);
  const get = (path = '/x') => api.request({ method: 'GET', path });
  const watch = async (signal = new AbortController().signal, seen: unknown[] = []): Promise<unknown[]> => {
    for await (const one of api.watch('/x', { resourceVersion: '5' }, signal)) seen.push(one);
    return seen;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-https-'));
    pki = await makePki(folder);
    server = await tlsServer(protocol, pki);
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    writeFileSync(join(folder, 'token'), 'token-1\n');
    now = 0;
    handle((_, response) => answer(response, 200, {}));
    api = serviceAccountApiServer(options());
  });
  afterEach(() => {
    api.close();
    server.newConnections();
  });

  test('sends method, path, query, body and token, and decodes the answer', async () => {
    let got: unknown;
    handle(({ method, url, headers }, response, body) => {
      got = { method, url, body, type: headers['content-type'], authorization: headers.authorization };
      answer(response, 200, { name: 'Grüße €😀' });
    });
    const decoded = await api.request({
      method: 'PATCH',
      path: '/apis/x/status',
      query: { fieldManager: 'a b&c' },
      contentType: 'application/merge-patch+json',
      body: { status: 'ä€😀' },
    });
    expect(decoded).toEqual({ name: 'Grüße €😀' });
    expect(got).toEqual({
      method: 'PATCH',
      url: '/apis/x/status?fieldManager=a+b%26c',
      body: '{"status":"ä€😀"}',
      type: 'application/merge-patch+json',
      authorization: 'Bearer token-1',
    });
  });

  test('uses one connection for request after request, refused ones too', async () => {
    handle(({ url }, response) => answer(response, url === '/no' ? 404 : 200, {}));
    await get();
    await expect(get('/no')).rejects.toMatchObject({ status: 404 });
    await get();
    await get();
    // With HTTP/1.1 the one that found out what the server speaks is not kept.
    expect(server.newConnections()).toBeLessThanOrEqual(protocol === 'HTTP/2' ? 1 : 2);
  });

  test('serves a thousand requests at once over few connections', async () => {
    handle((_, response) => void setTimeout(() => answer(response, 200, {}), 10));
    const answers = await Promise.all(Array.from({ length: 1000 }, () => get()));
    expect(answers).toHaveLength(1000);
    expect(server.newConnections()).toBeLessThanOrEqual(protocol === 'HTTP/2' ? 1 : 25);
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
    [503, {}, { 'retry-after': '3600' }, { retryAfterMs: 60_000 }],
    [503, { details: { retryAfterSeconds: 7 } }, {}, { retryAfterMs: 7000 }],
    [
      503,
      {},
      { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' },
      { retryAfterMs: undefined, terminal: false },
    ],
  ])('tells status %i with what the server says: %j %j', async (status, body, headers, expected) => {
    handle((_, response) => answer(response, status, body, headers));
    await expect(get()).rejects.toMatchObject({ name: 'ApiError', code: 'ApiRequest', status, ...expected });
  });

  test('tells an answer that is no JSON with its beginning', async () => {
    handle((_, response) => {
      response.statusCode = 502;
      write(response, `<html>${'x'.repeat(2000)}`);
      response.end();
    });
    const error = await get().catch((e: unknown) => e as Error);
    expect(error).toMatchObject({ status: 502, message: expect.stringContaining('GET /x: 502 <html>xxx') });
    expect((error as Error).message.length).toBeLessThan(600);
  });

  test('a connection that breaks is no answer of the server, and the next request has a new one', async () => {
    handle(() => server.cut());
    await expect(get()).rejects.toThrow(/ECONNRESET|hang up|ended|closed|cancel/);
    handle((_, response) => answer(response, 200, { fine: true }));
    await expect(get()).resolves.toEqual({ fine: true });
  });

  test('a server that is not there is an error, and is found when it is', async () => {
    const { port } = server;
    await server.close();
    await expect(get()).rejects.toThrow('ECONNREFUSED');
    server = await tlsServer(protocol, pki, port);
    await expect(get()).resolves.toEqual({});
  });

  test('an answer that ends in its middle is an error', async () => {
    handle((_, response) => {
      write(response, '{"a":1');
      setTimeout(() => breakOff(response), 5);
    });
    await expect(get()).rejects.toThrow(/INTERNAL_ERROR|aborted/);
  });

  test('a request can be given up', async () => {
    handle(() => {});
    const stop = new AbortController();
    const request = api.request({ method: 'GET', path: '/x', signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await expect(request).rejects.toMatchObject({ name: 'AbortError' });
    await expect(api.request({ method: 'GET', path: '/x', signal: stop.signal })).rejects.toThrow('aborted');
  });

  test('a request without an answer ends, and says so', async () => {
    handle(() => {});
    const hasty = serviceAccountApiServer({ ...options(), timing: { requestMs: 50 } });
    await expect(hasty.request({ method: 'GET', path: '/x' })).rejects.toThrow(
      `127.0.0.1:${server.port} did not answer within 0.05 s`,
    );
    hasty.close();
  });

  test('reads its token again once a minute', async () => {
    const used: (string | undefined)[] = [];
    handle(({ url, headers }, response) => {
      if (url === '/token') used.push(headers.authorization);
      answer(response, 200, {});
    });
    await get('/token');
    writeFileSync(join(folder, 'token'), 'token-2\n');
    now = 59_000;
    await get('/token');
    now = 61_000;
    await get('/token');
    expect(used.map((a) => a?.slice(-1))).toEqual(['1', '1', '2']);
  });

  test('repeats a request with a token that was renewed, and only then', async () => {
    const used: (string | undefined)[] = [];
    handle(({ url, headers }, response) => {
      if (url === '/token') used.push(headers.authorization);
      answer(response, headers.authorization === 'Bearer token-2' ? 200 : 401, {});
    });
    await expect(get('/token')).rejects.toMatchObject({ status: 401 });
    writeFileSync(join(folder, 'token'), 'token-2\n');
    await expect(get('/token')).resolves.toEqual({});
    await get('/token');
    expect(used.map((a) => a?.slice(-1))).toEqual(['1', '1', '2', '2']);
  });

  test('the token that the server refuses is read again at once', async () => {
    await get('/token');
    writeFileSync(join(folder, 'token'), 'token-2\n');
    const used: (string | undefined)[] = [];
    handle(({ url, headers }, response) => {
      if (url === '/token') used.push(headers.authorization);
      answer(response, headers.authorization === 'Bearer token-2' ? 200 : 401, {});
    });
    await expect(get('/token')).resolves.toEqual({});
    expect(used.map((a) => a?.slice(-1))).toEqual(['1', '2']);
  });

  test('does not talk to a server whose certificate its authority did not sign', async () => {
    const stranger = serviceAccountApiServer({ ...options(), caFile: pki.admin.cert });
    await expect(stranger.request({ method: 'GET', path: '/x' })).rejects.toThrow(/certificate/);
    stranger.close();
  });

  describe('a watch', () => {
    test('yields an event per line however the bytes arrive', async () => {
      const events = [{ type: 'ADDED', note: 'Grüße €😀' }, { type: 'MODIFIED' }, { type: 'BOOKMARK' }];
      let asked = '';
      handle(({ url }, response) => {
        asked = url ?? '';
        const bytes = Buffer.from(events.map((e) => `${JSON.stringify(e)}\n`).join(''));
        void (async () => {
          // One byte at a time: in the middle of lines and of characters.
          for (const byte of bytes) {
            write(response, Buffer.from([byte]));
            // eslint-disable-next-line no-await-in-loop
            await sleep(1);
          }
          response.end();
        })();
      });
      expect(await watch()).toEqual(events);
      expect(asked).toMatch(/^\/x\?resourceVersion=5&watch=true/);
    });

    test('yields many events of one chunk, also large ones', async () => {
      const events = Array.from({ length: 50 }, (_, i) => ({ type: 'ADDED', i, text: '€'.repeat(5000) }));
      handle((_, response) => {
        write(response, events.map((e) => `${JSON.stringify(e)}\n`).join(''));
        response.end();
      });
      expect(await watch()).toEqual(events);
    });

    test('yields an event before the server ends the stream', async () => {
      handle((_, response) => write(response, '{"type":"ADDED"}\n'));
      const stop = new AbortController();
      const seen: unknown[] = [];
      const watching = watch(stop.signal, seen);
      await until(() => seen.length === 1);
      stop.abort();
      await expect(watching).rejects.toThrow('aborted');
    });

    test('rejects with the status where the server refuses it', async () => {
      handle((_, response) => answer(response, 410, { reason: 'Expired' }));
      await expect(watch()).rejects.toMatchObject({ status: 410 });
    });

    test('rejects where the connection breaks, after what has come whole', async () => {
      handle((_, response) => {
        write(response, '{"type":"ADDED"}\n{"type":"MODI');
        setTimeout(() => server.cut(), 20);
      });
      const seen: unknown[] = [];
      await expect(watch(undefined, seen)).rejects.toThrow(/in the middle of an answer|aborted/);
      expect(seen).toEqual([{ type: 'ADDED' }]);
    });

    test('leaves room for requests beside it', async () => {
      handle(({ url }, response) => {
        if (url?.includes('watch')) write(response, '{"type":"ADDED"}\n');
        else answer(response, 200, { fine: true });
      });
      const stop = new AbortController();
      const seen: unknown[] = [];
      const watching = watch(stop.signal, seen).catch(() => 'ended');
      await until(() => seen.length === 1);
      await expect(get()).resolves.toEqual({ fine: true });
      stop.abort();
      expect(await watching).toBe('ended');
    });

    test('without the head of an answer ends, and says so', async () => {
      handle(() => {});
      const hasty = serviceAccountApiServer({ ...options(), timing: { requestMs: 50 } });
      const watching = hasty.watch('/x', {}, new AbortController().signal)[Symbol.asyncIterator]().next();
      await expect(watching).rejects.toThrow('did not answer within 0.05 s');
      hasty.close();
    });
  });
});
