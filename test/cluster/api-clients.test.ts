import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import type { ObjectMeta } from '../../operator/api/meta.ts';
import { contentTypes } from '../../operator/kube/api-server.ts';
import { ClientNodeApiServer } from '../../operator/kube/client-node-api-server.ts';
import type { HttpsApiServer } from '../../operator/kube/https-api-server.ts';
import { Reflector } from '../../operator/kube/reflector.ts';
import { serviceAccountApiServer } from '../../operator/kube/service-account.ts';
import { recordingLog, type LogLine } from '../unit/support/agent-fakes.ts';
import { StallingProxy } from '../unit/support/stalling-proxy.ts';
import { TestApiServer, type Credentials } from './support/api-server.ts';
import { until } from './support/wait.ts';

const NAMESPACE = '/api/v1/namespaces/default';
const MAPS = `${NAMESPACE}/configmaps`;

interface ConfigMap {
  metadata: ObjectMeta;
  data?: Record<string, string>;
}

let server: TestApiServer;
let account: Credentials;
const open: { close(): unknown }[] = [];
const kept = <T extends { close(): unknown }>(one: T): T => {
  open.push(one);
  return one;
};

beforeAll(async () => {
  server = await TestApiServer.start();
  const { admin } = server;
  const metadata = { name: 'watcher', namespace: 'default' };
  await admin.must({ method: 'POST', path: `${NAMESPACE}/serviceaccounts`, body: { metadata } });
  await admin.must({
    method: 'POST',
    path: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    body: {
      metadata: { name: 'watcher' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', ...metadata }],
    },
  });
  const { status } = (await admin.must({
    method: 'POST',
    path: `${NAMESPACE}/serviceaccounts/watcher/token`,
    body: {},
  })) as { status: { token: string } };
  account = await server.credentials('watcher', status.token);
}, 180_000);
afterAll(() => server?.close());
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

const set = (name: string, value: string): Promise<unknown> =>
  server.admin.must({
    method: 'PATCH',
    path: `${MAPS}/${name}?fieldManager=test`,
    contentType: 'application/apply-patch+yaml',
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } },
  });

/** How often the account asked for the collection, by verb, while the work ran. */
async function asked(work: () => Promise<void>): Promise<Record<string, number>> {
  const before = (await server.audit()).length;
  await work();
  const events = (await server.audit()).slice(before).filter(({ stage }) => stage !== 'ResponseStarted');
  const counts: Record<string, number> = {};
  for (const { verb, objectRef } of events)
    if (objectRef?.resource === 'configmaps') counts[verb] = (counts[verb] ?? 0) + 1;
  return counts;
}

describe('a watch of a real API server', () => {
  let proxy: StallingProxy;
  let seen: Map<string, string | undefined>;
  let lines: LogLine[];
  const follow = async (): Promise<void> => {
    const { hostname: host, port } = new URL(server.url);
    proxy = kept(new StallingProxy({ host, port: Number(port) }));
    const { caFile, tokenFile } = account;
    const timing = { pingMs: 500, pongMs: 500 };
    const near = { host: '127.0.0.1', port: await proxy.listen(), caFile, tokenFile, timing };
    const api = kept(serviceAccountApiServer(near));
    seen = new Map();
    lines = [];
    const reflector = new Reflector<ConfigMap>({
      api,
      path: MAPS,
      query: { fieldSelector: 'metadata.name!=kube-root-ca.crt' },
      baseDelayMs: 100,
      log: recordingLog(lines),
      onChange: (name, map) => void (map ? seen.set(name, map.data?.['value']) : seen.delete(name)),
    });
    const stop = new AbortController();
    const running = reflector.run(stop.signal);
    kept({
      close: async () => {
        stop.abort();
        await running;
      },
    });
    await until('the first list', async () => reflector.synced);
    await until('the watch', async () => proxy.accepted === 1);
  };

  test.each<[string, () => void]>([
    ['goes silent while both ends are acknowledged', () => proxy.stall()],
    ['is reset', () => proxy.reset()],
  ])('whose connection %s loses nothing, and does not list again', async (_, fault) => {
    await set('kept', 'before');
    await set('gone', 'before');
    await follow();
    await until('the watch to be open', async () => {
      await set('kept', 'watched');
      return seen.get('kept') === 'watched';
    });
    const requests = await asked(async () => {
      fault();
      await set('kept', 'after');
      await set('new', 'after');
      await server.admin.must({ method: 'DELETE', path: `${MAPS}/gone` });
      await until('the watch to be back', async () => seen.get('kept') === 'after' && !seen.has('gone'));
    });
    expect(Object.fromEntries(seen)).toEqual({ kept: 'after', new: 'after' });
    expect(requests['list']).toBeUndefined();
    expect(proxy.accepted).toBe(2);
    await server.admin.must({ method: 'DELETE', path: `${MAPS}/new` });
  });
});

const client = (
  change: (config: { users: { user: object }[] }) => void = () => {},
  file?: string,
): HttpsApiServer => {
  const text = JSON.parse(readFileSync(file ?? server.kubeconfig, 'utf8')) as { users: { user: object }[] };
  change(text);
  const config = new KubeConfig();
  config.loadFromString(JSON.stringify(text));
  return kept(new ClientNodeApiServer(config));
};
const whoAmI = async (api: HttpsApiServer): Promise<string> => {
  const review = await api.request<{ status: { userInfo: { username: string } } }>({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
  return review.status.userInfo.username;
};
/** A credential plugin that says `status`, and how often it ran. */
const plugin = (name: string, status: object) => {
  const command = join(dirname(server.kubeconfig), name);
  const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status };
  writeFileSync(
    command,
    `#!/bin/sh\necho x >> ${command}.runs\ncat <<'E'\n${JSON.stringify(credential)}\nE\n`,
  );
  chmodSync(command, 0o755);
  const exec = { apiVersion: credential.apiVersion, command, interactiveMode: 'Never' };
  return { exec, runs: () => readFileSync(`${command}.runs`, 'utf8').length / 2 };
};

describe('the client of a kubeconfig', () => {
  test('is whom a client certificate names', async () => {
    expect(await whoAmI(client())).toBe('kubernetes-admin');
  });

  test('is whom a token names', async () => {
    expect(await whoAmI(client(() => {}, account.kubeconfig))).toBe('system:serviceaccount:default:watcher');
  });

  test('impersonates whom the kubeconfig says', async () => {
    const api = client((config) => Object.assign(config.users[0]?.user ?? {}, { as: 'somebody' }));
    expect(await whoAmI(api)).toBe('somebody');
  });

  test('is whom a plugin names by a token, and runs it once for many requests', async () => {
    const { exec, runs } = plugin('by-token', { token: readFileSync(account.tokenFile, 'utf8') });
    const api = client((config) => (config.users = [{ ...config.users[0], user: { exec } }]));
    expect(await whoAmI(api)).toBe('system:serviceaccount:default:watcher');
    await Promise.all(Array.from({ length: 50 }, () => whoAmI(api)));
    expect(runs()).toBe(1);
  });

  test('is whom a plugin names by a certificate', async () => {
    const text = JSON.parse(readFileSync(server.kubeconfig, 'utf8')) as {
      users: { user: Record<string, string> }[];
    };
    const decoded = (field: string): string =>
      Buffer.from(text.users[0]?.user[field] ?? '', 'base64').toString();
    const { exec } = plugin('by-certificate', {
      clientCertificateData: decoded('client-certificate-data'),
      clientKeyData: decoded('client-key-data'),
    });
    const api = client((config) => (config.users = [{ ...config.users[0], user: { exec } }]));
    expect(await whoAmI(api)).toBe('kubernetes-admin');
  });
});

test('many large requests at once: an answer that comes while others are being written is taken whole', async () => {
  const { hostname: host, port } = new URL(server.url);
  const { caFile, tokenFile } = account;
  const api = kept(serviceAccountApiServer({ host, port: Number(port), caFile, tokenFile }));
  // What the creation is answered with is short; what the write is asked with is long.
  const images = Array.from({ length: 50 }, (_, i) => ({ names: [`example.com/${'0'.repeat(150)}/${i}`] }));
  const make = async (name: string): Promise<number | undefined> => {
    const body = { apiVersion: 'v1', kind: 'Node', metadata: { name } };
    await api.request({ method: 'POST', path: '/api/v1/nodes', body });
    const path = `/api/v1/nodes/${name}/status`;
    const patch = { contentType: contentTypes.mergePatch, body: { status: { images } } };
    const node = await api.request<{ status: { images?: unknown[] } }>({ method: 'PATCH', path, ...patch });
    return node.status.images?.length;
  };
  const all = Array<number>(24).fill(images.length);
  for (let round = 0; round < 40; round++)
    // eslint-disable-next-line no-await-in-loop
    expect(await Promise.all(all.map((_, i) => make(`many-${round}-${i}`)))).toEqual(all);
});
