import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Layout } from './layout.ts';
import { run } from './shell.ts';

const portIsFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)));
  });

/** True when nothing else on this machine uses the slot's ports, bridge or address ranges (a k3s, a VPN, a cluster that was not noted). */
export async function slotIsFree(slot: number): Promise<boolean> {
  const layout = new Layout('', slot);
  const links = Object.entries(networkInterfaces());
  const ours = (address: string): boolean =>
    address.startsWith(`${layout.nodePrefix}.`) || address.startsWith(`${layout.podPrefix}.`);
  if (
    links.some(
      ([name, addresses]) => name === layout.bridge || addresses?.some(({ address }) => ours(address)),
    )
  )
    return false;
  const routes = await run('ip', ['-4', 'route', 'show']);
  if (routes.split('\n').some((route) => ours(route))) return false;
  for (const port of [layout.apiPort, layout.etcdPort, layout.etcdPort + 1])
    if (!(await portIsFree(port))) return false;
  return true;
}
