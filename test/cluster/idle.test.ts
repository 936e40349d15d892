/** What managers ask of the API server while nothing happens: one renews the Lease, and everything else is watched. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestApiServer } from './support/api-server.ts';
import { installed } from './support/installation.ts';
import { PlayedNodes } from './support/played-nodes.ts';
import { createProfile } from './support/profiles.ts';
import { Replicas } from './support/replicas.ts';
import { until } from './support/wait.ts';

/** Two and a half renewals. */
const WINDOW_MS = 30_000;

let server: TestApiServer;
let nodes: PlayedNodes;
let replicas: Replicas;

beforeAll(async () => {
  server = await installed();
  nodes = await PlayedNodes.make(server, 3);
  replicas = await Replicas.make(server, {});
  const entry = '{name: net.core.somaxconn, scope: Node, value: 1000}';
  await createProfile(
    server.admin,
    'search',
    `nodeSelector: {}\nrollout: {maxUnavailable: "100%"}\nsysctls: [${entry}]`,
  );
  for (let i = 0; i < 2; i++) await replicas.start();
  await until(
    'every node has the profile',
    async () => nodes.allAt(1000),
    () => replicas.logs(),
  );
}, 180_000);
afterAll(async () => {
  await replicas?.close();
  await nodes?.close();
  await server?.close();
});

test('a manager and one that waits send fewer than six requests a minute together', async () => {
  // The last labels and statuses.
  await sleep(5000);
  const from = (await server.audit()).length;
  await sleep(WINDOW_MS);
  const asked = (await server.audit())
    .slice(from)
    .map(({ verb, objectRef }) => `${verb} ${objectRef?.resource ?? ''}`);
  expect([...new Set(asked)]).toEqual(['update leases']);
  expect(asked.length).toBeLessThanOrEqual(3);
});
