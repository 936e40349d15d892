import { REVISION_LABEL } from '../../../operator/api/names.ts';
import type { SysctlProfile } from '../../../operator/api/profile.ts';
import type { TestApiServer } from './api-server.ts';
import { APPS, object, patch, post, STATES } from './calls.ts';
import { NodeFolder } from './node-folder.ts';
import { createProfile, PROFILES, sysctls } from './profiles.ts';
import { Program } from './programs.ts';
import { repeatedEvent } from './repeated-event.ts';
import { createNode, NAMESPACE, podToken } from './service-accounts.ts';
import { until } from './wait.ts';

export interface Look {
  swappiness: string;
  labels: Record<string, string>;
}

/** How the node looked before, while and after a profile wanted vm.swappiness=2, and how the two programs ended. */
export interface Life {
  before: Look;
  tuned: Look;
  after: Look;
  ends: (number | NodeJS.Signals)[];
}

const NODE = '/api/v1/nodes/node-1';

async function createReadyNode(server: TestApiServer): Promise<void> {
  await createNode(server.admin, 'node-1');
  const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }];
  await server.admin.must(patch(`${NODE}/status`, { status: { conditions } }));
}

/** More revisions that nobody needs than the manager keeps for history. */
async function createOldRevisions(server: TestApiServer): Promise<void> {
  for (let revision = 1; revision <= 12; revision++) {
    const metadata = { name: `sysctl-old-${revision}`, labels: { [REVISION_LABEL]: 'true' } };
    const old = object('apps/v1', 'ControllerRevision', metadata.name, { metadata, revision, data: {} });
    await server.admin.must(post(`${APPS}/controllerrevisions`, old));
  }
}

/** Two managers, of which one waits for the Lease, and the agent, each role with the token of a pod of its own. */
async function start(server: TestApiServer, node: NodeFolder): Promise<Program[]> {
  const [manager, agent] = await Promise.all(
    ['manager', 'agent'].map(async (role) =>
      server.credentials(role, await podToken(server.admin, 'node-1', `sysctl-operator-${role}`)),
    ),
  );
  if (!manager || !agent) throw new Error('no credentials');
  await repeatedEvent(server, manager, 'manager');
  await repeatedEvent(server, agent, 'agent');
  const { hostname, port } = new URL(server.url);
  const managers = ['manager-1', 'manager-2'].map(
    (name) =>
      new Program(
        'manager',
        node.path,
        {
          TMPDIR: node.path,
          KUBECONFIG: manager.kubeconfig,
          POD_NAMESPACE: NAMESPACE,
          POD_NAME: name,
          AGENT_IMAGE: 'none',
          METRICS_PORT: '0',
          HEALTH_PORT: '0',
        },
        name,
      ),
  );
  return [
    ...managers,
    new Program('agent', node.path, {
      ...node.env,
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      CA_FILE: agent.caFile,
      TOKEN_FILE: agent.tokenFile,
      POD_NAMESPACE: NAMESPACE,
      NODE_NAME: 'node-1',
    }),
  ];
}

async function isReady(server: TestApiServer, generation: number): Promise<boolean> {
  const { status } = (await server.admin.must({ path: `${PROFILES}/search` })) as unknown as SysctlProfile;
  const ready = status?.conditions?.find((c) => c.type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === generation;
}

/** The operator from its first start to its end: a profile is made, edited and deleted; its old revisions go. */
export async function wholeLife(server: TestApiServer): Promise<Life> {
  const node = await NodeFolder.make();
  const programs: Program[] = [];
  const wait = (what: string, check: () => Promise<boolean>): Promise<void> =>
    until(what, check, () => programs.map(({ log }) => log.slice(-3000)).join('\n'));
  const look = async (): Promise<Look> => {
    const { metadata } = (await server.admin.must({ path: NODE })) as { metadata: Pick<Look, 'labels'> };
    return { swappiness: await node.swappiness(), labels: metadata.labels };
  };
  try {
    await createReadyNode(server);
    await createOldRevisions(server);
    const before = await look();
    programs.push(...(await start(server, node)));
    await createProfile(server.admin, 'search', sysctls('{name: vm.swappiness, value: 1}'));
    await wait('the profile is ready', () => isReady(server, 1));
    await wait('the second manager waits for the Lease', async () =>
      (await server.audit()).some(
        ({ verb, objectRef }) => verb === 'watch' && objectRef?.resource === 'leases',
      ),
    );
    const edit = { spec: { sysctls: [{ name: 'vm.swappiness', value: 2 }] } };
    await server.admin.must(patch(`${PROFILES}/search`, edit));
    await wait('the edited profile is ready', () => isReady(server, 2));
    const tuned = await look();
    await server.admin.must({ method: 'DELETE', path: `${PROFILES}/search` });
    await wait('the state is gone', async () => {
      const { status } = await server.admin.call({ path: `${STATES}/node-1` });
      return status === 404;
    });
    const after = await look();
    const ends = await Promise.all(programs.map((program) => program.stop()));
    return { before, tuned, after, ends };
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    await node.remove();
  }
}
