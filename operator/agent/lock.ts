import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../telemetry/log.ts';

/** In the abstract namespace (unix(7)): it belongs to the node's network namespace, and to nobody once its owner is gone. */
const NAME = '\0sysctl-operator-agent';
const RETRY_MS = 250;

const tryListen = (name: string): Promise<Server | undefined> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(name, () => resolve(server.unref()));
  });

/**
 * Waits until no other agent runs on this node. Two with one ledger could take each other's values for originals: a pod that is deleted by
 * force may run on for seconds beside the one that follows it. Undefined when the signal aborts first.
 */
export async function onlyAgentOfNode(
  log: Log,
  signal: AbortSignal,
  name = NAME,
): Promise<Server | undefined> {
  for (let told = false; !signal.aborted; told = true) {
    const server = await tryListen(name);
    if (server) return server;
    if (!told) log.info('another agent still runs on this node: waiting for its end');
    await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
  }
  return undefined;
}
