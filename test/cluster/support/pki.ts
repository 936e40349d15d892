import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface KeyPair {
  key: string;
  cert: string;
}

export interface Pki {
  ca: KeyPair;
  server: KeyPair;
  /** A member of system:masters: plays the user. */
  admin: KeyPair;
  serviceAccount: { key: string; pub: string };
}

const DAYS = '2';

async function openssl(...args: string[]): Promise<void> {
  try {
    await run('openssl', args);
  } catch (error) {
    throw new Error(`openssl ${args.join(' ')} failed: is it installed?`, { cause: error });
  }
}

async function issue(
  folder: string,
  name: string,
  subject: string,
  extensions: string[],
  ca?: KeyPair,
): Promise<KeyPair> {
  const pair = { key: join(folder, `${name}.key`), cert: join(folder, `${name}.crt`) };
  const signer = ca ? ['-CA', ca.cert, '-CAkey', ca.key] : [];
  const details = extensions.flatMap((text) => ['-addext', text]);
  const config = join(folder, 'openssl.cnf');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', pair.key];
  const cert = ['-days', DAYS, '-subj', subject, '-out', pair.cert];
  await openssl('req', '-x509', '-config', config, ...key, ...cert, ...signer, ...details);
  return pair;
}

const leaf = (usage: string): string[] => ['basicConstraints=CA:FALSE', `extendedKeyUsage=${usage}`];

/** Keys and certificates of a throw-away control plane, in `folder`. Elliptic curves: made in milliseconds. */
export async function makePki(folder: string): Promise<Pki> {
  await writeFile(join(folder, 'openssl.cnf'), '[req]\ndistinguished_name = dn\n[dn]\n');
  const ca = await issue(folder, 'ca', '/CN=test-ca', [
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,keyCertSign,cRLSign',
  ]);
  const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
  const server = await issue(folder, 'server', '/CN=kube-apiserver', [...leaf('serverAuth'), names], ca);
  const admin = await issue(folder, 'admin', '/O=system:masters/CN=kubernetes-admin', leaf('clientAuth'), ca);
  const serviceAccount = { key: join(folder, 'sa.key'), pub: join(folder, 'sa.pub') };
  await openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', serviceAccount.key);
  await openssl('ec', '-in', serviceAccount.key, '-pubout', '-out', serviceAccount.pub);
  return { ca, server, admin, serviceAccount };
}
