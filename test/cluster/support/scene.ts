import type { TestApiServer } from './api-server.ts';
import { APPS, label, object, patch, post, state, STATES } from './calls.ts';
import type { Call, Client } from './client.ts';
import { installed } from './installation.ts';
import { createProfile, sysctls } from './profiles.ts';
import { createNode, inPodOn } from './service-accounts.ts';
import { until } from './wait.ts';

/** An installed operator with two nodes, their states, a profile and a revision; and its two accounts, in pods on node-1. */
export interface Scene {
  server: TestApiServer;
  manager: Client;
  agent: Client;
}

/** A new policy takes a second or two until every request is judged by it. */
async function untilPoliciesHold({ manager, agent }: Scene): Promise<void> {
  const probes: [Client, Call][] = [
    [manager, label({ 'example.com/probe': 'x' })],
    [agent, patch(`${STATES}/node-2/status`, { status: { bootID: 'probe' } })],
  ];
  for (const [client, call] of probes)
    await until('the policies hold', async () => (await client.call(call)).status === 403);
}

/** Throws, and leaves nothing running, when any of it cannot be set up. */
export async function operatorScene(): Promise<Scene> {
  const server = await installed();
  try {
    for (const name of ['node-1', 'node-2']) {
      await createNode(server.admin, name);
      await server.admin.must(post(STATES, state(name)));
    }
    const known = object('apps/v1', 'ControllerRevision', 'known', { revision: 9, data: {} });
    await server.admin.must(post(`${APPS}/controllerrevisions`, known));
    await createProfile(server.admin, 'search', sysctls('{name: vm.swappiness, value: 1}'));
    const scene = {
      server,
      manager: await inPodOn(server, 'node-1', 'sysctl-operator-manager'),
      agent: await inPodOn(server, 'node-1', 'sysctl-operator-agent'),
    };
    await untilPoliciesHold(scene);
    return scene;
  } catch (error) {
    await server.close();
    throw error;
  }
}
