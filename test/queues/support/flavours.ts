import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RedisOptions } from 'ioredis';
import { redisSettings, type RedisSettings } from '../../../operator/manager/redis-settings.ts';
import { makePki } from '../../cluster/support/pki.ts';
import { command, freePort, kill, type Servers } from './servers.ts';
import { until } from './until.ts';

/** A running installation of Redis, as the settings of the manager describe it. */
export interface Flavour {
  settings: RedisSettings;
  /** Kills the server that holds the queues, where another one takes over. */
  failover?: () => Promise<void>;
}

/** In memory only, as the queues need it. */
const MEMORY = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'];
/** The user that docs/installation.md, "An own Redis", describes. */
export const ACL_RULES =
  '~{sysctl-operator}:* -@all +@read +@write +@blocking +@connection -@dangerous +eval +evalsha +info';
/** What a user of a cluster needs besides. */
const CLUSTER_RULES = '+cluster|slots +cluster|info';
const HOST = '127.0.0.1';

/** What a user hands over: REDIS_URL, and a Secret with these keys. */
async function settingsOf(
  servers: Servers,
  url: string,
  secret: Record<string, string> = {},
): Promise<RedisSettings> {
  const folder = join(servers.folder, 'secret');
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(secret)) await writeFile(join(folder, name), text);
  const settings = redisSettings({ REDIS_URL: url, REDIS_SECRET_DIR: folder });
  if (!settings) throw new Error('no settings');
  return settings;
}

export async function plain(servers: Servers, program: string): Promise<Flavour> {
  const port = await freePort();
  await servers.start(program, ['--port', String(port), '--bind', HOST, ...MEMORY], { host: HOST, port });
  return { settings: await settingsOf(servers, `redis://${HOST}:${port}/3`) };
}

/** A private authority, and a server that wants a certificate of its clients too. */
export async function tls(servers: Servers): Promise<Flavour> {
  const pki = await makePki(servers.folder);
  const port = await freePort();
  const folder = join(servers.folder, 'secret');
  await mkdir(folder);
  await copyFile(pki.ca.cert, join(folder, 'ca.crt'));
  await copyFile(pki.admin.cert, join(folder, 'tls.crt'));
  await copyFile(pki.admin.key, join(folder, 'tls.key'));
  const settings = await settingsOf(servers, `rediss://${HOST}:${port}`);
  const files = [
    '--tls-cert-file',
    pki.server.cert,
    '--tls-key-file',
    pki.server.key,
    '--tls-ca-cert-file',
    pki.ca.cert,
  ];
  await servers.start(
    'redis-server',
    [
      '--port',
      '0',
      '--tls-port',
      String(port),
      '--bind',
      HOST,
      ...files,
      '--tls-auth-clients',
      'yes',
      ...MEMORY,
    ],
    { host: HOST, port, ...(settings.tls && { tls: settings.tls }) },
  );
  return { settings };
}

/** Nobody but a user with the least rights; the password has characters that an URL would have to escape. */
export async function acl(servers: Servers): Promise<Flavour> {
  const port = await freePort();
  const password = 'a@b:c/d%?#';
  const users = join(servers.folder, 'users.acl');
  await writeFile(users, `user default off\nuser operator on >${password} ${ACL_RULES}\n`);
  await servers.start(
    'redis-server',
    ['--port', String(port), '--bind', HOST, '--aclfile', users, ...MEMORY],
    {
      host: HOST,
      port,
      username: 'operator',
      password,
    },
  );
  const secret = { username: 'operator\n', password: `${password}\n` };
  return { settings: await settingsOf(servers, `redis://${HOST}:${port}`, secret) };
}

const value = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];

/** A primary, a replica and three Sentinels, all with passwords. The primary dies, or is told to be the other one's replica. */
export async function sentinel(servers: Servers, how: 'killed' | 'demoted'): Promise<Flavour> {
  const [one, two] = [await freePort(), await freePort()];
  const login = { password: 'secret' };
  const server = (port: number, ...more: string[]): Promise<Awaited<ReturnType<Servers['start']>>> =>
    servers.start(
      'redis-server',
      [
        '--port',
        String(port),
        '--bind',
        HOST,
        '--requirepass',
        'secret',
        '--masterauth',
        'secret',
        ...MEMORY,
        ...more,
      ],
      { host: HOST, port, ...login },
    );
  const primary = await server(one);
  await server(two, '--replicaof', HOST, String(one), '--repl-diskless-sync-delay', '0');
  await until(async () => {
    const info = String(await command({ host: HOST, port: two, ...login }, 'INFO', 'replication'));
    return value(info, 'master_link_status') === 'up';
  }, 'the replica follows');
  const ports = [await freePort(), await freePort(), await freePort()];
  for (const port of ports) {
    const file = join(servers.folder, `sentinel-${port}.conf`);
    const lines = [
      `port ${port}`,
      `bind ${HOST}`,
      'requirepass watch',
      'sentinel sentinel-pass watch',
      `sentinel monitor queues ${HOST} ${one} 2`,
      'sentinel auth-pass queues secret',
      'sentinel down-after-milliseconds queues 500',
      'sentinel failover-timeout queues 3000',
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    await servers.start('redis-server', [file, '--sentinel'], { host: HOST, port, password: 'watch' });
  }
  const known = (port: number): Promise<unknown[]> =>
    command({ host: HOST, port, password: 'watch' }, 'SENTINEL', 'SENTINELS', 'queues') as Promise<unknown[]>;
  for (const port of ports)
    await until(async () => (await known(port)).length === 2, 'the Sentinels know each other');
  const hosts = ports.map((port) => `${HOST}:${port}`).join(',');
  const secret = { password: 'secret', 'sentinel-password': 'watch' };
  return {
    settings: await settingsOf(servers, `redis+sentinel://${hosts}/queues`, secret),
    failover:
      how === 'killed'
        ? () => kill(primary)
        : async () => {
            const [port = 0] = ports;
            await command({ host: HOST, port, password: 'watch' }, 'SENTINEL', 'FAILOVER', 'queues');
          },
  };
}

/** Of the slot that all keys of the queues are in. */
const tag = '{sysctl-operator}';

/** Three masters, and a replica of the one that has the queues. */
export async function cluster(servers: Servers): Promise<Flavour> {
  const nodes: {
    options: RedisOptions & { port: number };
    child: Awaited<ReturnType<Servers['start']>>;
    id: string;
  }[] = [];
  for (let i = 0; i < 4; i++) {
    const options = { host: HOST, port: await freePort() };
    const args = [
      '--cluster-enabled',
      'yes',
      '--cluster-config-file',
      `nodes-${i}.conf`,
      '--cluster-node-timeout',
      '1000',
    ];
    const user = ['--user', 'operator', 'on', '>secret', ...`${ACL_RULES} ${CLUSTER_RULES}`.split(' ')];
    const bind = ['--port', String(options.port), '--bind', HOST, '--repl-diskless-sync-delay', '0'];
    const child = await servers.start('redis-server', [...bind, ...args, ...user, ...MEMORY], options);
    nodes.push({ options, child, id: String(await command(options, 'CLUSTER', 'MYID')) });
  }
  const [first] = nodes;
  if (!first) throw new Error('no nodes');
  const slot = Number(await command(first.options, 'CLUSTER', 'KEYSLOT', tag));
  const ranges = [
    [0, 5460],
    [5461, 10_922],
    [10_923, 16_383],
  ] as const;
  const spare = nodes[3];
  const home = nodes[ranges.findIndex(([from, to]) => from <= slot && slot <= to)];
  if (!spare || !home) throw new Error('no home of the slot');
  for (const [i, [from, to]] of ranges.entries())
    await command(nodes[i]?.options ?? {}, 'CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
  for (const { options } of nodes.slice(1))
    await command(options, 'CLUSTER', 'MEET', HOST, String(first.options.port));
  await until(
    () =>
      command(spare.options, 'CLUSTER', 'REPLICATE', home.id).then(
        () => true,
        () => false,
      ),
    'the replica follows',
  );
  for (const { options } of nodes)
    await until(async () => {
      const [info, list] = [
        await command(options, 'CLUSTER', 'INFO'),
        await command(options, 'CLUSTER', 'NODES'),
      ];
      return String(info).includes('cluster_state:ok') && String(list).includes('slave');
    }, 'the cluster is whole');
  await until(
    async () =>
      value(String(await command(spare.options, 'INFO', 'replication')), 'master_link_status') === 'up',
    'the replica has everything',
  );
  const hosts = nodes.slice(0, 3).map(({ options }) => `${HOST}:${options.port}`);
  return {
    settings: await settingsOf(servers, `redis+cluster://operator:secret@${hosts.join(',')}`),
    failover: () => kill(home.child),
  };
}
