import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { agentDaemonSet } from '../../operator/manager/daemon-set.ts';
import { TestApiServer } from './support/api-server.ts';
import { object, post, verdict } from './support/calls.ts';
import { kubectl, manifests } from './support/installation.ts';
import { render, type Rule } from './support/rules.ts';
import { NAMESPACE } from './support/service-accounts.ts';

interface Stored {
  kind: string;
  metadata: { name: string; resourceVersion: string };
}

let server: TestApiServer;
beforeAll(async () => {
  server = await TestApiServer.start();
}, 180_000);
afterAll(() => server?.close());

const rules = async (): Promise<Rule[]> => {
  const found = (await render(server)).flatMap((o) => o.rules ?? []);
  expect(found.length).toBeGreaterThan(10);
  return found;
};

/** resourceVersion of every installed object, once the definitions are being served. */
const versions = async (): Promise<Record<string, string>> => {
  await kubectl(server, ['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
  const { items } = JSON.parse(await kubectl(server, ['get', '-k', manifests, '-o', 'json'])) as {
    items: Stored[];
  };
  return Object.fromEntries(items.map((o) => [`${o.kind}/${o.metadata.name}`, o.metadata.resourceVersion]));
};

describe('one apply is the whole installation', () => {
  test('it works on a cluster that has nothing yet', async () => {
    const output = await kubectl(server, ['apply', '-k', manifests]);
    expect(output).toContain(
      'customresourcedefinition.apiextensions.k8s.io/sysctlprofiles.sysctl-operator.dev created',
    );
    expect(output).toContain('deployment.apps/sysctl-operator created');
  });

  // Not by kubectl's words: it calls a PodDisruptionBudget "configured" every time, because its selector has the patch strategy
  // replace.
  test('the second apply changes nothing', async () => {
    const before = await versions();
    expect(Object.keys(before).length).toBeGreaterThan(20);
    await kubectl(server, ['apply', '-k', manifests]);
    expect(await versions()).toEqual(before);
  });

  test('server-side apply takes it over without a conflict, and a second one changes nothing', async () => {
    const args = ['apply', '--server-side', '-k', manifests];
    await kubectl(server, args);
    const before = await versions();
    await kubectl(server, args);
    expect(await versions()).toEqual(before);
  });
});

describe('least privilege', () => {
  test('no rule has a wildcard', async () => {
    for (const rule of await rules())
      expect(
        [rule.apiGroups, rule.resources, rule.nonResourceURLs, rule.verbs]
          .flatMap((words) => words ?? [])
          .filter((word) => word.includes('*')),
      ).toEqual([]);
  });

  test('no rule reaches secrets, containers, node proxies or rights', async () => {
    const reachable = (await rules()).flatMap((rule) => rule.resources ?? []);
    const forbidden = [
      'secrets',
      'configmaps',
      'pods',
      'pods/exec',
      'nodes/proxy',
      'nodes/status',
      'roles',
      'clusterroles',
      'serviceaccounts/token',
    ];
    expect(reachable.filter((resource) => forbidden.includes(resource))).toEqual([]);
    const verbs = (await rules()).flatMap((rule) => rule.verbs);
    expect(
      verbs.filter((verb) => ['escalate', 'bind', 'impersonate', 'deletecollection'].includes(verb)),
    ).toEqual([]);
  });

  test('only roles of this operator are bound', async () => {
    const bound = (await render(server)).flatMap((o) => (o.roleRef ? [o.roleRef.name] : []));
    expect(bound.length).toBeGreaterThan(0);
    expect(bound.filter((name) => !name.startsWith('sysctl-operator-'))).toEqual([]);
  });

  test('the manager runs under the restricted pod security standard', async () => {
    const deployment = (await render(server)).find((o) => o.kind === 'Deployment') as unknown as {
      spec: { template: { spec: object } };
    };
    const restricted = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'restricted', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    };
    await server.admin.must({ method: 'POST', path: '/api/v1/namespaces', body: restricted });
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'sysctl-operator-manager' },
    };
    await server.admin.must({
      method: 'POST',
      path: '/api/v1/namespaces/restricted/serviceaccounts',
      body: account,
    });
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'manager' },
      spec: deployment.spec.template.spec,
    };
    const answer = await server.admin.call({
      method: 'POST',
      path: '/api/v1/namespaces/restricted/pods',
      body: pod,
    });
    expect(answer.message).toBe('');
  });
});

test("the agent's pod is admitted where the manager puts it", async () => {
  const { spec } = agentDaemonSet({
    namespace: NAMESPACE,
    image: 'none',
    driftIntervalSeconds: 10,
    logLevel: 'info',
  });
  const answer = await server.admin.call(
    post(`/api/v1/namespaces/${NAMESPACE}/pods`, object('v1', 'Pod', 'agent', { spec: spec?.template.spec })),
  );
  expect(verdict(answer)).toBe('allowed');
  expect(answer.body).toHaveProperty('spec.containers.0.securityContext.privileged', true);
});

describe('overlays', () => {
  test.each(readdirSync(join(manifests, 'overlays')))('%s is accepted by the API server', async (overlay) => {
    const folder = join(manifests, 'overlays', overlay);
    const output = await kubectl(server, ['apply', '--server-side', '--force-conflicts', '-k', folder]);
    expect(output).toContain('deployment.apps/sysctl-operator serverside-applied');
  });

  test("an image of one's own reaches the agent too", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sysctl-operator-overlay-'));
    try {
      const name = 'sysctl-operator/sysctl-operator';
      const kustomization = {
        resources: [relative(folder, join(manifests, 'overlays', 'high-availability'))],
        images: [{ name, newName: 'mirror.example/sysctl-operator', newTag: 'v9' }],
      };
      await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
      const text = await kubectl(server, ['kustomize', folder]);
      expect(text).not.toContain(name);
      expect(text.match(/(image|value): mirror\.example\/sysctl-operator:v9/g)).toHaveLength(2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
