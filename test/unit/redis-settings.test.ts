import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redisSettings } from '../../operator/manager/redis-settings.ts';
import { parseRedisUrl } from '../../operator/manager/redis-url.ts';
import { makePki, type Pki } from '../cluster/support/pki.ts';

const at = (host: string, port: number): object => ({ host, port });

describe('REDIS_URL', () => {
  test.each<[string, object]>([
    ['redis://cache', { kind: 'server', tls: false, address: at('cache', 6379), db: 0 }],
    ['rediss://cache:6380/5', { kind: 'server', tls: true, address: at('cache', 6380), db: 5 }],
    ['redis://[fd00::1]:7000/', { kind: 'server', tls: false, address: at('fd00::1', 7000), db: 0 }],
    [
      'redis://me:p%40ss%3A@cache',
      { kind: 'server', tls: false, username: 'me', password: 'p@ss:', address: at('cache', 6379), db: 0 },
    ],
    [
      'redis://:only@cache',
      { kind: 'server', tls: false, password: 'only', address: at('cache', 6379), db: 0 },
    ],
    ['unix:///run/redis.sock', { kind: 'socket', tls: false, path: '/run/redis.sock' }],
    ['/run/redis.sock', { kind: 'socket', tls: false, path: '/run/redis.sock' }],
    [
      'redis+sentinel://a,b:26380,c/main/2',
      {
        kind: 'sentinel',
        tls: false,
        sentinels: [at('a', 26_379), at('b', 26_380), at('c', 26_379)],
        primary: 'main',
        db: 2,
      },
    ],
    [
      'rediss+cluster://me:pw@a:7000,b:7001',
      { kind: 'cluster', tls: true, username: 'me', password: 'pw', nodes: [at('a', 7000), at('b', 7001)] },
    ],
  ])('%s', (url, target) => {
    expect(parseRedisUrl(url)).toEqual(target);
  });

  test.each([
    ['redis.example:6379', 'it has none of the known forms'],
    ['http://me:hunter2@redis', 'it has none of the known forms'],
    ['redis://me:hunter2@', 'it has none of the known forms'],
    ['redis://me:hunter2@a?family=6', 'it has none of the known forms'],
    ['redis://me:hunter2@a/b', '"b" is not the number of a database'],
    ['redis://me:hunter2@a:70000', 'port 70000 is not from 1 to 65535'],
    ['redis://me:hunter2@a:x', '"a:x" is not HOST or HOST:PORT'],
    ['redis://me:hunter2%@a', 'the user or the password has a % that is not part of %XX'],
    ['redis://me:hunter2@a,b', 'several addresses, but neither +sentinel nor +cluster'],
    ['redis+sentinel://me:hunter2@a,b', 'after the addresses of the Sentinels comes the name of the primary'],
    ['redis+cluster://me:hunter2@a,b/1', 'a cluster has one database only'],
  ])('%s is refused with what is wrong and what is understood, and without a password', (url, problem) => {
    expect(() => parseRedisUrl(url)).toThrow(`REDIS_URL: ${problem}`);
    expect(() => parseRedisUrl(url)).toThrow('redis+sentinel://HOST:PORT,HOST:PORT/PRIMARY/DB');
    expect(() => parseRedisUrl(url)).not.toThrow('hunter2');
  });
});

describe('REDIS_SECRET_DIR', () => {
  let folder: string;
  let pki: Pki;
  let secret: string;
  const put = (name: string, text: string): Promise<void> => writeFile(join(secret, name), text);
  const read = (url?: string) => redisSettings({ REDIS_SECRET_DIR: secret, ...(url && { REDIS_URL: url }) });
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'redis-settings-'));
    pki = await makePki(folder);
  });
  beforeEach(async () => {
    secret = await mkdtemp(join(folder, 'secret-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('without an address is no Redis of the user, whatever else is there', async () => {
    await put('password', 'x');
    expect(read()).toBeUndefined();
    expect(redisSettings({ REDIS_SECRET_DIR: '/nonexistent' })).toBeUndefined();
  });

  test('has the address and the login, as echo writes them', async () => {
    await put('url', 'redis://cache\n');
    await put('username', 'me\n');
    await put('password', ' se cret\n');
    expect(read()).toMatchObject({ username: 'me', password: ' se cret' });
  });

  test('has what TLS needs', async () => {
    await copyFile(pki.ca.cert, join(secret, 'ca.crt'));
    await copyFile(pki.admin.cert, join(secret, 'tls.crt'));
    await copyFile(pki.admin.key, join(secret, 'tls.key'));
    await put('server-name', 'redis.example\n');
    expect(read('rediss://cache')?.tls).toMatchObject({
      ca: expect.stringContaining('BEGIN CERTIFICATE'),
      key: expect.stringContaining('PRIVATE KEY'),
      servername: 'redis.example',
    });
  });

  test.each<[string, string, Record<string, string>, string]>([
    ['ca.crt', 'rediss://cache', { 'ca.crt': 'nonsense' }, 'it is not a certificate in PEM form'],
    ['ca.crt', 'redis://cache', { 'ca.crt': 'any' }, 'REDIS_URL is without TLS'],
    ['password', 'redis://:one@cache', { password: 'two' }, 'REDIS_URL has another password'],
  ])('%s with %s and %j is refused by name', async (name, url, files, problem) => {
    for (const [file, text] of Object.entries(files)) await put(file, text);
    expect(() => read(url)).toThrow(`REDIS_SECRET_DIR: ${join(secret, name)}: ${problem}`);
  });

  test('a key without its certificate, or with that of another, is refused', async () => {
    await copyFile(pki.admin.key, join(secret, 'tls.key'));
    expect(() => read('rediss://cache')).toThrow(
      'tls.crt: it is missing; tls.crt and tls.key belong together',
    );
    await copyFile(pki.server.cert, join(secret, 'tls.crt'));
    expect(() => read('rediss://cache')).toThrow('tls.key: it does not go with tls.crt');
  });
});
