import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError } from '../../operator/errors.ts';
import { FencedApiServer } from '../../operator/kube/fence.ts';
import type { HttpsApiServer } from '../../operator/kube/https-api-server.ts';
import { serviceAccountApiServer } from '../../operator/kube/service-account.ts';
import { Leadership } from '../../operator/manager/leadership.ts';
import { makePki } from '../cluster/support/pki.ts';
import { StubApiServer, until } from './support/agent-fakes.ts';
import { answer, STREAMS, tlsServer, type TlsServer } from './support/tls-server.ts';

const down = (): never => {
  throw new OperatorError('Fenced', 'not any more');
};

describe('a fenced API server', () => {
  test('lets reads through always, and writes as long as the fence says nothing', async () => {
    const api = new StubApiServer();
    const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
    for (const method of methods) await new FencedApiServer(api, () => {}).request({ method, path: '/x' });
    expect(api.requests.map((r) => r.method)).toEqual(methods);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)(
    'sends no %s when the fence is down',
    async (method) => {
      const api = new StubApiServer();
      await expect(new FencedApiServer(api, down).request({ method, path: '/x' })).rejects.toThrow(
        'not any more',
      );
      expect(api.requests).toEqual([]);
    },
  );
});

describe.each(['HTTP/2', 'HTTP/1.1'] as const)('over real connections of %s', (protocol) => {
  let folder: string;
  let server: TlsServer;
  let api: HttpsApiServer;
  let received: string[];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-fence-'));
    const pki = await makePki(folder);
    writeFileSync(join(folder, 'token'), 'token');
    server = await tlsServer(protocol, pki);
    received = [];
    const files = { caFile: pki.ca.cert, tokenFile: join(folder, 'token') };
    api = serviceAccountApiServer({ host: '127.0.0.1', port: server.port, ...files });
  });
  afterEach(async () => {
    api.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  // What a process that was stopped in the meantime would do when it goes on.
  test('a write that waited for a connection is not sent when the fence has gone down meanwhile', async () => {
    let open = true;
    const fenced = new FencedApiServer(api, () => {
      if (!open) down();
    });
    const held = Promise.withResolvers<void>();
    server.handle = ({ method, url }, response) => {
      received.push(`${method} ${url}`);
      void held.promise.then(() => answer(response, 200, {}));
    };
    // As many as there may be at once, so that the next one waits for one of them.
    const first = Array.from({ length: STREAMS }, (_, i) =>
      fenced.request({ method: 'PATCH', path: `/${i}`, body: {} }),
    );
    await until(() => received.length === STREAMS);
    const waiting = fenced.request({ method: 'PATCH', path: '/waited', body: {} });
    waiting.catch(() => {});
    await sleep(50);
    open = false;
    held.resolve();
    await Promise.all(first);
    await expect(waiting).rejects.toMatchObject({ code: 'Fenced' });
    open = true;
    await fenced.request({ method: 'PATCH', path: '/after', body: {} });
    expect(received).not.toContain('PATCH /waited');
    expect(received).toContain('PATCH /after');
  });

  test('a write that waits while the connection is made is not sent when the fence has gone down meanwhile', async () => {
    let open = true;
    const fenced = new FencedApiServer(api, () => {
      if (!open) down();
    });
    server.handle = ({ method, url }, response) => {
      received.push(`${method} ${url}`);
      answer(response, 200, {});
    };
    const waiting = fenced.request({ method: 'PATCH', path: '/waited', body: {} });
    open = false;
    await expect(waiting).rejects.toMatchObject({ code: 'Fenced' });
    open = true;
    await fenced.request({ method: 'PATCH', path: '/after', body: {} });
    expect(received).toEqual(['PATCH /after']);
  });
});

describe('leadership', () => {
  test('is over when the work of the term is, however much of the term is left', async () => {
    const leadership = new Leadership();
    expect(leadership.fence).toThrow('this replica does not lead');
    const term = {
      signal: new AbortController().signal,
      fence: () => {},
      since: { monotonic: 0, wall: 0 },
    };
    await leadership.during(term, async () => leadership.fence());
    expect(leadership.fence).toThrow('this replica does not lead');
    await expect(leadership.during({ ...term, fence: down }, async () => leadership.fence())).rejects.toThrow(
      'not any more',
    );
  });
});
