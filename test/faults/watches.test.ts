import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { paths } from '../../operator/api/names.ts';
import type { SysctlProfile } from '../../operator/api/profile.ts';
import type { ApiServer } from '../../operator/kube/api-server.ts';
import { ClientNodeApiServer } from '../../operator/kube/client-node-api-server.ts';
import { Reflector } from '../../operator/kube/reflector.ts';
import { serviceAccountApiServer } from '../../operator/kube/service-account.ts';
import { jsonLog } from '../../operator/telemetry/json-log.ts';
import { existing } from '../cluster/tool/cluster.ts';
import { applyProfile, kubectl, NAMESPACE } from '../node/support/cluster.ts';
import type { ApiProxy } from './support/api-proxy.ts';
import { startApiProxy } from './support/place.ts';

const CLIENT = 'client';
/** Faults that last are over after this. */
const LASTS_MS = 4000;
const NOTICED_MS = 60_000;

/** What happens to the connection of a watch, or to the requests of its client. */
const FAULTS: Readonly<Record<string, (proxy: ApiProxy) => void>> = {
  'no fault': () => {},
  'a reset connection': ({ network }) => network.reset(CLIENT),
  'a network that is silent for a while': ({ network }) => network.stall(CLIENT),
  'a network that is silent in the direction of the client': ({ network }) => network.stall(CLIENT, ['down']),
  'a connection that is half open for good': ({ network }) => network.halfOpen(CLIENT),
  'a server that cannot be reached': ({ network }) => {
    network.refuse(CLIENT);
    network.reset(CLIENT);
  },
  'a slow network': ({ network }) => network.delay(CLIENT, 700),
  'a line that is cut by a reset': (proxy) => proxy.cut(CLIENT, 'abrupt'),
  'a line that is cut by a clean end': (proxy) => proxy.cut(CLIENT, 'clean'),
  ...Object.fromEntries(
    ([403, 410, 429, 500] as const).map((status) => [
      `answers of ${status}`,
      (proxy: ApiProxy) => {
        proxy.answer(CLIENT, { status, ...(status === 429 && { retryAfterSeconds: 1 }) });
        proxy.network.reset(CLIENT);
      },
    ]),
  ),
};

interface Clients {
  folder: string;
  token: string;
}

type Connect = (proxy: ApiProxy, clients: Clients) => ApiServer & { close(): void };

const CLIENTS: Readonly<Record<string, Connect>> = {
  manager: (proxy, { token }) => {
    const config = new KubeConfig();
    const name = 'proxy';
    config.loadFromOptions({
      clusters: [
        {
          name,
          server: `https://127.0.0.1:${proxy.network.port}`,
          caFile: join(existing().pki, 'ca.crt'),
          skipTLSVerify: false,
        },
      ],
      users: [{ name, token }],
      contexts: [{ name, cluster: name, user: name }],
      currentContext: name,
    });
    return new ClientNodeApiServer(config);
  },
  agent: (proxy, { folder }) =>
    serviceAccountApiServer({
      host: '127.0.0.1',
      port: proxy.network.port,
      caFile: join(existing().pki, 'ca.crt'),
      tokenFile: join(folder, 'token'),
    }),
};

/** One reflector of the profiles behind a proxy of its own. */
class Case {
  readonly proxy: ApiProxy;
  readonly #connection: ReturnType<Connect>;
  readonly #stop = new AbortController();
  readonly reflector: Reflector<SysctlProfile>;
  readonly #running: Promise<void>;

  constructor(proxy: ApiProxy, connection: ReturnType<Connect>) {
    this.proxy = proxy;
    this.#connection = connection;
    this.reflector = new Reflector<SysctlProfile>({
      api: connection,
      path: paths.profiles,
      log: jsonLog({ level: 'error' }),
      onChange: () => {},
    });
    this.#running = this.reflector.run(this.#stop.signal);
  }

  knowsTheChange(): boolean {
    const { store } = this.reflector;
    return store.get('edited')?.spec.priority === 2 && !store.has('deleted') && store.has('created');
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#connection.close();
    await this.proxy.close();
  }
}

const profile = (name: string, priority: number): Promise<string> =>
  applyProfile(name, {
    nodeSelector: { matchLabels: { pool: 'of-nobody' } },
    priority,
    sysctls: [{ name: 'net.core.somaxconn', value: 1, scope: 'Node' }],
  });

async function until(check: () => boolean, ms: number): Promise<number> {
  const started = performance.now();
  while (!check() && performance.now() - started < ms) await sleep(20);
  return performance.now() - started;
}

describe('a watch', () => {
  const cases = new Map<string, Case>();
  const noticedMs = new Map<string, number>();
  const asked = new Map<string, number>();
  let folder: string;
  const names = Object.keys(CLIENTS).flatMap((client) =>
    Object.keys(FAULTS).map((fault) => [client, fault] as const),
  );

  /** All at once: each has a proxy and a client of its own, and most of the time is waiting. */
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sysctl-operator-faults-'));
    const token = (await kubectl('-n', NAMESPACE, 'create', 'token', 'sysctl-operator-manager')).trim();
    await writeFile(join(folder, 'token'), token, { mode: 0o600 });
    await Promise.all([profile('edited', 1), profile('deleted', 1)]);
    for (const [client, fault] of names) {
      const proxy = await startApiProxy(existing(), () => CLIENT);
      const connection = CLIENTS[client]?.(proxy, { folder, token });
      if (connection) cases.set(`${client} ${fault}`, new Case(proxy, connection));
    }
    await until(() => [...cases.values()].every(({ reflector }) => reflector.synced), 20_000);
    // The watches follow the lists at once.
    await sleep(1000);

    for (const [client, fault] of names) FAULTS[fault]?.((cases.get(`${client} ${fault}`) as Case).proxy);
    const before = new Map([...cases].map(([name, { proxy }]) => [name, proxy.requests.length]));
    await Promise.all([profile('edited', 2), profile('created', 1)]);
    await kubectl('delete', 'sysctlprofile', 'deleted');
    const changed = performance.now();
    setTimeout(() => cases.forEach(({ proxy }) => proxy.restore(CLIENT)), LASTS_MS);
    await Promise.all(
      [...cases].map(async ([name, one]) => {
        await until(() => one.knowsTheChange(), NOTICED_MS + LASTS_MS);
        if (one.knowsTheChange()) noticedMs.set(name, performance.now() - changed);
        asked.set(name, one.proxy.requests.length - (before.get(name) ?? 0));
      }),
    );
  }, 180_000);

  afterAll(async () => {
    const rows = [...cases.keys()].map(
      (name) =>
        `${name}: after ${noticedMs.get(name)?.toFixed(0) ?? 'never'} ms, ${asked.get(name)} requests`,
    );
    process.stderr.write(`${rows.join('\n')}\n`);
    await Promise.all([...cases.values()].map((one) => one.close()));
    await rm(folder, { recursive: true, force: true });
    await kubectl('delete', 'sysctlprofiles', 'edited', 'deleted', 'created', '--ignore-not-found');
  });

  test.each(names)('of the %s misses nothing after %s', (client, fault) => {
    expect(noticedMs.get(`${client} ${fault}`) ?? Number.POSITIVE_INFINITY).toBeLessThan(
      NOTICED_MS + LASTS_MS,
    );
  });

  test.each(names)('of the %s does not hammer the server during %s', (client, fault) => {
    expect(asked.get(`${client} ${fault}`)).toBeLessThanOrEqual(20);
  });
});
