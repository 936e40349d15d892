import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestApiServer } from './api-server.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
export const manifests = join(root, 'manifests');

/** Runs kubectl and throws with its own words when it fails. */
export async function kubectl(server: TestApiServer, args: string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await server.kubectl(args, input);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** An API server with the operator's manifests applied as the README says, and its kinds being served. */
export async function installed(): Promise<TestApiServer> {
  const server = await TestApiServer.start();
  try {
    await kubectl(server, ['apply', '-k', manifests]);
    await kubectl(server, ['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}
