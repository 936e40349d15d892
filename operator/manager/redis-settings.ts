import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { messageOf, OperatorError } from '../errors.ts';
import { parseRedisUrl, type RedisTarget } from './redis-url.ts';

export interface RedisTls {
  /** PEM; without it the authorities that Node knows. */
  ca?: string;
  cert?: string;
  key?: string;
  /** The name that the servers' certificates have, where it is not their address. */
  servername?: string;
}

/** A Redis that the user runs: where it is and how to log in. */
export interface RedisSettings {
  target: RedisTarget;
  username?: string;
  password?: string;
  sentinelUsername?: string;
  sentinelPassword?: string;
  tls?: RedisTls;
}

const LOGIN = {
  username: 'username',
  password: 'password',
  sentinelUsername: 'sentinel-username',
  sentinelPassword: 'sentinel-password',
} as const;
const TLS = { ca: 'ca.crt', cert: 'tls.crt', key: 'tls.key', servername: 'server-name' } as const;

/** The folder as a Secret is mounted: one file a key, each optional. */
class SecretFolder {
  readonly #path: string | undefined;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** Without the line end that `echo` and editors add. */
  read(name: string): string | undefined {
    if (this.#path === undefined) return undefined;
    try {
      return readFileSync(join(this.#path, name), 'utf8').replace(/[\r\n]+$/, '') || undefined;
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
      throw this.refuse(name, messageOf(error));
    }
  }

  refuse(name: string, problem: string): OperatorError {
    return new OperatorError(
      'Configuration',
      `REDIS_SECRET_DIR: ${join(this.#path ?? '', name)}: ${problem}`,
    );
  }

  /** The files of these names that are there. */
  all<T extends string>(names: Readonly<Record<T, string>>): Partial<Record<T, string>> {
    const found: Partial<Record<T, string>> = {};
    for (const [key, name] of Object.entries(names) as [T, string][]) {
      const text = this.read(name);
      if (text !== undefined) found[key] = text;
    }
    return found;
  }
}

function checkTls(folder: SecretFolder, { ca, cert, key }: RedisTls): void {
  for (const [name, text] of [
    [TLS.ca, ca],
    [TLS.cert, cert],
  ] as const)
    try {
      if (text !== undefined) void new X509Certificate(text).subject;
    } catch {
      throw folder.refuse(name, 'it is not a certificate in PEM form');
    }
  if ((cert === undefined) !== (key === undefined))
    throw folder.refuse(
      cert === undefined ? TLS.cert : TLS.key,
      'it is missing; tls.crt and tls.key belong together',
    );
  try {
    createSecureContext({ ...(cert && { cert }), ...(key && { key }) });
  } catch (error) {
    throw folder.refuse(TLS.key, `it does not go with tls.crt: ${messageOf(error)}`);
  }
}

/** From REDIS_URL and REDIS_SECRET_DIR; undefined when neither names a Redis. Throws Configuration that names what is wrong. */
export function redisSettings(env: NodeJS.ProcessEnv): RedisSettings | undefined {
  const folder = new SecretFolder(env['REDIS_SECRET_DIR'] || undefined);
  const url = env['REDIS_URL'] || folder.read('url');
  if (url === undefined) return undefined;
  const target = parseRedisUrl(url);
  const login = folder.all(LOGIN);
  for (const field of ['username', 'password'] as const)
    if (login[field] !== undefined && target[field] !== undefined && login[field] !== target[field])
      throw folder.refuse(LOGIN[field], `REDIS_URL has another ${field}`);
  const tls = folder.all(TLS);
  if (!target.tls) {
    const [first] = Object.keys(tls) as (keyof typeof TLS)[];
    if (first)
      throw folder.refuse(
        TLS[first],
        'REDIS_URL is without TLS; write rediss:// where it begins with redis://',
      );
    return { target, ...login };
  }
  checkTls(folder, tls);
  return { target, ...login, tls };
}
