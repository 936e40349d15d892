import { OperatorError } from '../errors.ts';

export interface Address {
  host: string;
  port: number;
}

/** What REDIS_URL says. */
export type RedisTarget = {
  tls: boolean;
  username?: string;
  password?: string;
} & (
  | { kind: 'socket'; path: string }
  | { kind: 'server'; address: Address; db: number }
  | { kind: 'sentinel'; sentinels: Address[]; primary: string; db: number }
  | { kind: 'cluster'; nodes: Address[] }
);

/** Every form that is understood; shown with each refusal. */
export const FORMS =
  'redis://HOST:PORT/DB, rediss://HOST:PORT/DB (TLS), redis+sentinel://HOST:PORT,HOST:PORT/PRIMARY/DB, ' +
  'redis+cluster://HOST:PORT,HOST:PORT, the last two also with rediss+, or unix:///PATH';

const URL_PARTS = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:(.*)@)?([^@/?#]+)(?:\/([^?#]*))?$/;
const DEFAULT_PORT = { server: 6379, sentinel: 26_379, cluster: 6379 } as const;

/** Never with the URL itself: it may hold a password. */
const refuse = (problem: string): OperatorError =>
  new OperatorError('Configuration', `REDIS_URL: ${problem}; understood are ${FORMS}`);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse('the user or the password has a % that is not part of %XX');
  }
}

function credentials(text: string | undefined): { username?: string; password?: string } {
  if (text === undefined) return {};
  const colon = text.indexOf(':');
  const username = decoded(colon < 0 ? text : text.slice(0, colon));
  const password = colon < 0 ? '' : decoded(text.slice(colon + 1));
  return { ...(username && { username }), ...(password && { password }) };
}

function address(text: string, defaultPort: number): Address {
  const [, bracketed, plain, port = String(defaultPort)] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+))(?::(\d+))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw refuse(`"${text}" is not HOST or HOST:PORT`);
  if (Number(port) < 1 || Number(port) > 65_535) throw refuse(`port ${port} is not from 1 to 65535`);
  return { host, port: Number(port) };
}

function database(text: string): number {
  if (/^\d{0,5}$/.test(text)) return Number(text);
  throw refuse(`"${text}" is not the number of a database`);
}

/** Reads REDIS_URL; throws Configuration that says what is wrong and what is understood, without a password. */
export function parseRedisUrl(url: string): RedisTarget {
  if (url.startsWith('/')) return { kind: 'socket', tls: false, path: url };
  if (url.startsWith('unix:///')) return { kind: 'socket', tls: false, path: url.slice('unix://'.length) };
  const [, scheme, variant, login, hosts = '', path = ''] = URL_PARTS.exec(url) ?? [];
  if (scheme === undefined) throw refuse('it has none of the known forms');
  const kind = variant === 'sentinel' || variant === 'cluster' ? variant : 'server';
  const common = { tls: scheme === 'rediss', ...credentials(login) };
  const addresses = hosts.split(',').map((host) => address(host.trim(), DEFAULT_PORT[kind]));
  const [first, ...others] = addresses;
  if (kind === 'cluster') {
    if (path !== '' && path !== '0') throw refuse('a cluster has one database only');
    return { kind, ...common, nodes: addresses };
  }
  if (kind === 'sentinel') {
    const [primary = '', db = '', ...rest] = path.split('/');
    if (primary === '' || rest.length > 0)
      throw refuse(
        'after the addresses of the Sentinels comes the name of the primary, as the Sentinels call it',
      );
    return { kind, ...common, sentinels: addresses, primary: decoded(primary), db: database(db) };
  }
  if (!first || others.length > 0) throw refuse('several addresses, but neither +sentinel nor +cluster');
  return { kind, ...common, address: first, db: database(path) };
}
