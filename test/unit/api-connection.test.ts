import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { HttpsApiServer } from '../../operator/kube/https-api-server.ts';
import { serviceAccountApiServer } from '../../operator/kube/service-account.ts';
import type { Timing } from '../../operator/kube/transport.ts';
import { makePki, type Pki } from '../cluster/support/pki.ts';
import { until } from './support/agent-fakes.ts';
import { distantServer } from './support/distant-server.ts';
import { StallingProxy } from './support/stalling-proxy.ts';
import { answer, tlsServer, write, type Protocol, type TlsServer } from './support/tls-server.ts';

const HASTY: Partial<Timing> = { pingMs: 100, pongMs: 400, blindWatchMs: 100 };

describe('the connection to the API server', () => {
  let folder: string;
  let pki: Pki;
  let server: TlsServer;
  let proxy: StallingProxy;
  let port: number;
  let api: HttpsApiServer;
  let asked: string[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-connection-'));
    pki = await makePki(folder);
    writeFileSync(join(folder, 'token'), 'token');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const start = async (protocol: Protocol): Promise<void> => {
    server = await tlsServer(protocol, pki);
    asked = [];
    server.handle = ({ url = '' }, response) => {
      asked.push(url);
      if (url.includes('watch')) write(response, '{"type":"ADDED"}\n');
      else if (!url.includes('never')) answer(response, 200, {});
    };
    proxy = new StallingProxy({ host: '127.0.0.1', port: server.port });
    port = await proxy.listen();
    api = connect();
  };
  const connect = (timing = HASTY): HttpsApiServer =>
    serviceAccountApiServer({
      host: '127.0.0.1',
      port,
      caFile: pki.ca.cert,
      tokenFile: join(folder, 'token'),
      timing,
    });
  afterEach(async () => {
    api.close();
    await proxy.close();
    await server.close();
  });
  const get = (path = '/x') => api.request({ method: 'GET', path });
  /** A watch that is open; `ended` has the message of its end. */
  const openWatch = async (query = {}) => {
    const watch: { seen: unknown[]; ended?: string } = { seen: [] };
    const stop = new AbortController();
    const run = async (): Promise<void> => {
      for await (const one of api.watch('/x', query, stop.signal)) watch.seen.push(one);
    };
    void run().then(
      () => (watch.ended = 'by the server'),
      (error: Error) => (watch.ended = error.message),
    );
    await until(() => watch.seen.length === 1);
    return watch;
  };

  describe('over HTTP/2', () => {
    beforeEach(() => start('HTTP/2'));

    test('is given up where it goes silent, with everything that is open on it; the next one works', async () => {
      const watch = await openWatch();
      const request = get('/never');
      await until(() => asked.length === 2);
      proxy.stall();
      await expect(request).rejects.toThrow('has not answered a PING for 0.4 s');
      await until(() => watch.ended !== undefined);
      expect(watch.ended).toContain('has not answered a PING');
      await openWatch();
      await expect(get()).resolves.toEqual({});
      expect(proxy.accepted).toBe(2);
    });

    test('stays for as long as the server answers, also when nothing happens on it', async () => {
      const watch = await openWatch();
      await sleep(900);
      expect(watch.ended).toBeUndefined();
      await get();
      expect(proxy.accepted).toBe(1);
    });

    test('stays when this process was stopped for longer than a PING may take', async () => {
      const distant = await distantServer(pki.server, 100);
      try {
        port = distant.port;
        api.close();
        api = connect({ pingMs: 150, pongMs: 1500 });
        const watch = await openWatch();
        for (let i = 0; i < 3; i++) {
          // Whenever it happens: mostly there is a PING under way.
          // eslint-disable-next-line no-await-in-loop
          await sleep(50);
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
        }
        await sleep(1700);
        expect(watch.ended).toBeUndefined();
      } finally {
        await distant.close();
      }
    }, 30_000);

    test('is closed when nothing is open on it, and made again when it is needed', async () => {
      await get();
      await until(() => server.connections === 0);
      await get();
      expect(proxy.accepted).toBe(2);
    });

    test('that the server is about to end takes nothing new; what is open goes on', async () => {
      const watch = await openWatch();
      server.goAway();
      await sleep(20);
      await get();
      expect(proxy.accepted).toBe(2);
      expect(watch.ended).toBeUndefined();
    });

    test('a request that the server says it has not looked at is sent again, once', async () => {
      let refusals = 1;
      server.handle = ({ url = '' }, response) => {
        asked.push(url);
        if (refusals-- > 0 && 'stream' in response) response.stream.close(constants.NGHTTP2_REFUSED_STREAM);
        else answer(response, 200, {});
      };
      await expect(api.request({ method: 'POST', path: '/x', body: {} })).resolves.toEqual({});
      expect(asked).toEqual(['/x', '/x']);
      refusals = 5;
      await expect(get()).rejects.toThrow('refused');
      expect(asked).toHaveLength(4);
    });

    test('cannot be made within its time: an error that names the server', async () => {
      proxy.stallNew();
      api.close();
      api = connect({ connectMs: 50 });
      await expect(get()).rejects.toThrow(`127.0.0.1:${port} cannot be reached within 0.05 s`);
    });

    test('a request that waits for it can be given up', async () => {
      proxy.stallNew();
      await expect(
        api.request({ method: 'GET', path: '/x', signal: AbortSignal.timeout(30) }),
      ).rejects.toMatchObject({ name: 'TimeoutError' });
    });
  });

  describe('over HTTP/1.1', () => {
    beforeEach(() => start('HTTP/1.1'));

    test('a watch is asked to be short, and one that is not has hung', async () => {
      const watch = await openWatch({ timeoutSeconds: '300' });
      expect(asked).toEqual(['/x?timeoutSeconds=1&watch=true']);
      proxy.stall();
      await until(() => watch.ended !== undefined);
      expect(watch.ended).toContain('did not answer');
      await openWatch();
    });
  });
});
