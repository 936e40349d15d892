import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseAllDocuments } from 'yaml';
import netKeys from '../../operator/sysctl/net-keys.json' with { type: 'json' };
import { guardOf } from '../../operator/sysctl/guards.ts';
import { TestApiServer } from './support/api-server.ts';
import { kubectl, manifests } from './support/installation.ts';

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

interface Stored {
  kind: string;
  metadata: { name: string; resourceVersion: string };
}

interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: Rule[];
  roleRef?: { kind: string; name: string };
}

let server: TestApiServer;
beforeAll(async () => {
  server = await TestApiServer.start();
}, 180_000);
afterAll(() => server?.close());

const render = (folder: string): Promise<string> => kubectl(server, ['kustomize', folder]);
const objects = async (folder = manifests): Promise<Manifest[]> =>
  parseAllDocuments(await render(folder)).map((document) => document.toJS() as Manifest);

const rules = async (): Promise<Rule[]> => (await objects()).flatMap((o) => o.rules ?? []);

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

  test('every field of both kinds is explained', async () => {
    for (const kind of ['sysctlprofiles', 'nodesysctlstates']) {
      const definition = (await server.admin.must({
        path: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${kind}.sysctl-operator.dev`,
      })) as unknown as { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } };
      const schema = definition.spec.versions[0]?.schema.openAPIV3Schema;
      expect(schema ? unexplained(schema, '') : ['no schema']).toEqual([]);
    }
  });
});

interface Schema {
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
}

function unexplained(schema: Schema, path: string): string[] {
  const standard = ['.apiVersion', '.kind', '.metadata'];
  const here = schema.description || standard.includes(path) ? [] : [path];
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
    unexplained(child, `${path}.${name}`),
  );
  const items = schema.items?.properties ? unexplained(schema.items, `${path}[]`) : [];
  return [...here, ...below, ...items];
}

describe('least privilege', () => {
  test('no rule has a wildcard', async () => {
    for (const rule of await rules())
      expect(
        [...rule.apiGroups, ...rule.resources, ...rule.verbs].filter((word) => word.includes('*')),
      ).toEqual([]);
  });

  test('no rule reaches secrets, containers, node proxies or rights', async () => {
    const reachable = (await rules()).flatMap((rule) => rule.resources);
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
    const bound = (await objects()).flatMap((o) => (o.roleRef ? [o.roleRef.name] : []));
    expect(bound.length).toBeGreaterThan(0);
    expect(bound.filter((name) => !name.startsWith('sysctl-operator-'))).toEqual([]);
  });

  test('the manager runs under the restricted pod security standard', async () => {
    const deployment = (await objects()).find((o) => o.kind === 'Deployment') as unknown as {
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

describe('overlays', () => {
  test.each(['gke', 'high-availability'])('%s is accepted by the API server', async (overlay) => {
    const folder = join(manifests, 'overlays', overlay);
    const output = await kubectl(server, ['apply', '--server-side', '--force-conflicts', '-k', folder]);
    expect(output).toContain('deployment.apps/sysctl-operator serverside-applied');
  });

  test("an image of one's own reaches the agent too", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sysctl-operator-overlay-'));
    try {
      const name = 'ghcr.io/sysctl-operator/sysctl-operator';
      const kustomization = {
        resources: [relative(folder, join(manifests, 'overlays', 'high-availability'))],
        images: [{ name, newName: 'mirror.example/sysctl-operator', newTag: 'v9' }],
      };
      await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
      const text = await render(folder);
      expect(text).not.toContain(name);
      expect(text.match(/(image|value): mirror\.example\/sysctl-operator:v9/g)).toHaveLength(2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

const quoted = (text: string): string[] =>
  [...text.matchAll(/'((?:net|kernel)\.[a-z0-9_.]+)'/g)].map((m) => m[1] ?? '');

/** The sysctls that the CEL rules with this in their message name. */
const rulesOf = async (about: string): Promise<string[]> => {
  const definition = (await server.admin.must({
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sysctlprofiles.sysctl-operator.dev',
  })) as object;
  const found: string[] = [];
  JSON.stringify(definition, (_key, value: unknown) => {
    const rule = value as { rule?: string; message?: string } | undefined;
    if (rule?.rule && rule.message?.includes(about)) found.push(...quoted(rule.rule));
    return value;
  });
  return [...new Set(found)];
};

describe('the definition agrees with the program', () => {
  test('on what no pod has for itself', async () => {
    expect((await rulesOf('the kernel has it once per node')).toSorted()).toEqual(
      netKeys.absentInPods.toSorted(),
    );
  });

  test('on what a pod can only read', async () => {
    expect((await rulesOf('it shows the value of the node')).toSorted()).toEqual(
      netKeys.readOnlyInPods.toSorted(),
    );
  });

  test('on what is guarded, with the same reason', async () => {
    for (const why of [
      'the kernel runs its value as root on the node',
      'it cannot be undone before the node is rebooted',
    ]) {
      const keys = await rulesOf(why);
      expect(keys.length).toBeGreaterThan(3);
      expect(keys.filter((key) => guardOf(key) !== why)).toEqual([]);
    }
  });
});
