import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OperatorError } from '../../operator/errors.ts';
import { ClientNodeApiServer } from '../../operator/kube/client-node-api-server.ts';
import { FencedApiServer } from '../../operator/kube/fence.ts';
import { PooledKubeConfig } from '../../operator/kube/pooled-kube-config.ts';
import { Leadership } from '../../operator/manager/leadership.ts';
import { StubApiServer } from './support/agent-fakes.ts';

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

describe('over real connections', () => {
  let server: Server;
  let config: PooledKubeConfig;
  let received: string[];
  let answer: () => Promise<unknown>;
  beforeEach(async () => {
    received = [];
    answer = async () => {};
    server = createServer((request, response) => {
      received.push(`${request.method} ${request.url}`);
      void answer().then(() => response.end('{}'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    config = new PooledKubeConfig();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    config.loadFromClusterAndUser({ name: 'c', server: url, skipTLSVerify: true }, { name: 'u' });
  });
  afterEach(async () => {
    await config.close();
    server.closeAllConnections();
    server.close();
  });

  // What a process that was stopped in the meantime would do when it goes on.
  test('a write that waited for a connection is not sent when the fence has gone down meanwhile', async () => {
    let open = true;
    const api = new FencedApiServer(new ClientNodeApiServer(config), () => {
      if (!open) down();
    });
    const held = Promise.withResolvers<void>();
    answer = () => held.promise;
    // As many as the pool has connections, so that the next one waits for one of them.
    const first = Array.from({ length: 24 }, (_, i) =>
      api.request({ method: 'PATCH', path: `/${i}`, body: {} }),
    );
    while (received.length < 24) await new Promise((resolve) => setTimeout(resolve, 5));
    const waiting = api.request({ method: 'PATCH', path: '/waited', body: {} });
    waiting.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    open = false;
    held.resolve();
    await Promise.all(first);
    await expect(waiting).rejects.toMatchObject({ code: 'Fenced' });
    open = true;
    await api.request({ method: 'PATCH', path: '/after', body: {} });
    expect(received).not.toContain('PATCH /waited');
    expect(received).toContain('PATCH /after');
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
