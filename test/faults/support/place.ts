import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { existing } from '../../cluster/tool/cluster.ts';
import type { Layout } from '../../cluster/tool/layout.ts';
import { nodeExec } from '../../cluster/tool/node-exec.ts';
import { nodeIndex } from '../../cluster/tool/node-network.ts';
import { certificate } from '../../cluster/tool/pki.ts';
import { ApiProxy } from './api-proxy.ts';

/** Of the `kubernetes` Service: what pods are told the API server's address is. */
const SERVICE_IP = '10.96.0.1';
const TABLE = 'sysctl_operator_faults';

/** Who a client of the proxy is: an agent has its node's address, the managers have those of pods, everything else its own. */
export function whoIs(layout: Layout, nodes: readonly string[]): (address: string) => string {
  const byAddress = new Map(nodes.map((node) => [layout.nodeIp(nodeIndex(node)), node]));
  return (address) =>
    byAddress.get(address) ?? (address.startsWith(`${layout.podPrefix}.`) ? 'manager' : address);
}

/** A proxy before the cluster's API server, with a certificate for every address that a client may use. */
export async function startApiProxy(
  layout = existing(),
  who = whoIs(layout, layout.nodes()),
): Promise<ApiProxy> {
  const names = ['127.0.0.1', layout.apiIp, SERVICE_IP].map((ip) => `IP:${ip}`).join(',');
  await certificate(layout, 'fault-proxy', '/CN=kube-apiserver', 'serverAuth', names);
  const pem = (name: string): string => readFileSync(join(layout.pki, name), 'utf8');
  return ApiProxy.start({
    host: '0.0.0.0',
    cert: pem('fault-proxy.crt'),
    key: pem('fault-proxy.key'),
    ca: pem('ca.crt'),
    upstream: `https://127.0.0.1:${layout.apiPort}`,
    whoIs: who,
  });
}

/**
 * Sends what pods of a node send to the API server's Service to the proxy instead: manager and agents are installed as always and know
 * nothing of it; kubelet and kube-proxy keep their own way. Connections that are there already keep theirs as well.
 */
export async function redirect(layout: Layout, node: string, port: number): Promise<void> {
  const rule = `ip daddr ${SERVICE_IP} tcp dport 443 dnat to ${layout.apiIp}:${port}`;
  // Before kube-proxy's own chains (priority -100): the first translation of a connection holds.
  const chain = (hook: string): string =>
    `chain ${hook} { type nat hook ${hook} priority -110; policy accept; ${rule}; };`;
  await undoRedirect(layout, node);
  await nodeExec(layout, node, 'nft', `table ip ${TABLE} { ${chain('prerouting')} ${chain('output')} }`);
}

/** Does nothing where there is no redirection. */
export async function undoRedirect(layout: Layout, node: string): Promise<void> {
  await nodeExec(layout, node, 'nft', `table ip ${TABLE} {}; delete table ip ${TABLE}`);
}
