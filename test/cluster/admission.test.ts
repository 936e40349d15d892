import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SysctlProfileStatus } from '../../operator/api/profile.ts';
import type { TestApiServer } from './support/api-server.ts';
import { patch } from './support/calls.ts';
import { installed, kubectl } from './support/installation.ts';
import {
  guardedProfiles,
  malformedProfiles,
  outOfRangeProfiles,
  podScopeProfiles,
  type Malformed,
} from './support/malformed-profiles.ts';
import { oddProfiles } from './support/odd-profiles.ts';
import { createProfile, profileYaml, PROFILES, sysctls } from './support/profiles.ts';

let server: TestApiServer;
beforeAll(async () => {
  server = await installed();
}, 180_000);
afterAll(() => server?.close());

let count = 0;
const named = (table: readonly Malformed[]) =>
  table.map(([mistake, spec, ...messages]) => ({ mistake, spec, messages }));

describe.each([
  ['a malformed profile is refused with the path and a sentence that helps', malformedProfiles],
  ['a field out of its range is refused', outOfRangeProfiles],
  ['a guarded sysctl is refused unless it is acknowledged', guardedProfiles],
  ['scope Pod is refused where a pod cannot have its own value', podScopeProfiles],
])('%s', (_title, table) => {
  test.each(named(table))('$mistake', async ({ spec, messages }) => {
    const { status, message } = await createProfile(server.admin, `refused-${++count}`, spec);
    expect([400, 422]).toContain(status);
    for (const sentence of messages) expect(message).toContain(sentence);
  });
});

interface Schema {
  'x-kubernetes-validations'?: { rule: string; message: string; messageExpression?: string }[];
  [key: string]: unknown;
}

/** The sentences of all rules of a schema: what stays the same of those that are computed. */
const sentences = (schema: unknown): string[] => {
  if (typeof schema !== 'object' || schema === null) return [];
  const { 'x-kubernetes-validations': rules = [], ...rest } = schema as Schema;
  const own = rules.map(({ message, messageExpression }) => {
    const literals = [...(messageExpression ?? '').matchAll(/'([^']*)'/g)].map((match) => match[1] ?? '');
    return literals.at(-1) ?? message;
  });
  return [...own, ...Object.values(rest).flatMap(sentences)];
};

test('every rule of the definition refuses one of these', async () => {
  const { spec } = (await server.admin.must({
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sysctlprofiles.sysctl-operator.dev',
  })) as { spec: { versions: { schema: { openAPIV3Schema: { properties: { spec: unknown } } } }[] } };
  const rules = sentences(spec.versions[0]?.schema.openAPIV3Schema.properties.spec);
  const tried = [malformedProfiles, outOfRangeProfiles, guardedProfiles, podScopeProfiles]
    .flat()
    .flatMap(([, , ...messages]) => messages);
  expect(rules.length).toBeGreaterThan(15);
  expect(rules.filter((sentence) => !tried.some((message) => message.includes(sentence)))).toEqual([]);
});

test('a name that is too long for the node label is refused', async () => {
  const { status, message } = await createProfile(
    server.admin,
    'x'.repeat(64),
    sysctls('{name: vm.swappiness, value: 1}'),
  );
  expect(status).toBe(422);
  expect(message).toContain(
    'metadata.name must have at most 63 characters: it becomes part of the node label profile.sysctl-operator.dev/<name>',
  );
});

test('kubectl shows the sentence', async () => {
  const yaml = profileYaml('shown', sysctls('{name: net.core.rmem_max, value: 1, scope: Pod}'));
  const { code, stderr } = await server.kubectl(['apply', '-f', '-'], yaml);
  expect(code).toBe(1);
  expect(stderr).toBe(
    'The SysctlProfile "shown" is invalid: spec.sysctls[0].scope: Invalid value: a pod can read this one but not write it: it shows the value of the node; use scope Node\n',
  );
});

describe('an odd but good profile is accepted', () => {
  test.each(oddProfiles)('%s', async (_what, spec) => {
    const name = `accepted-${++count}`;
    const answer = await createProfile(server.admin, name, spec);
    expect(answer.message).toBe('');
    expect(answer.status).toBe(201);
    await server.admin.must({ method: 'DELETE', path: `${PROFILES}/${name}` });
  });
});

test('defaults are written into what is stored', async () => {
  const { body } = await createProfile(server.admin, 'defaults', sysctls('{name: vm.swappiness, value: 1}'));
  expect(body['spec']).toEqual({
    nodeSelector: {},
    priority: 0,
    mode: 'Enforce',
    sysctls: [{ name: 'vm.swappiness', value: 1, match: 'Exact', scope: 'Auto', optional: false }],
    rollout: { maxUnavailable: 1, paused: false, confirmTimeoutSeconds: 60, onFailure: 'Rollback' },
    driftPolicy: 'Correct',
    removalPolicy: 'Restore',
  });
});

test('a canary soaks for a minute unless it says otherwise', async () => {
  const spec = `${sysctls('{name: vm.swappiness, value: 1}')}rollout: {canary: {nodes: 2}}`;
  const { body } = await createProfile(server.admin, 'canary-default', spec);
  expect(body).toHaveProperty('spec.rollout.canary', { nodes: 2, soakSeconds: 60 });
});

describe('an edit is judged like a new profile', () => {
  const good = sysctls('{name: vm.swappiness, value: 1}', '{name: vm.max_map_count, value: 262144}');
  beforeAll(() => createProfile(server.admin, 'edited', good));

  test.each([
    ['a guarded key comes in', [{ name: 'kernel.modprobe', value: '/bin/x' }], 'kernel.modprobe is guarded'],
    [
      'a value becomes two lines',
      [{ name: 'vm.swappiness', value: '1\n2' }],
      'spec.sysctls[0].value: Invalid value',
    ],
    [
      'all entries go',
      [],
      'at least one entry in spec.sysctls or spec.pods.allowedUnsafeSysctls is required',
    ],
  ])('%s', async (_what, entries, sentence) => {
    const { status, message } = await server.admin.call(
      patch(`${PROFILES}/edited`, { spec: { sysctls: entries } }),
    );
    expect(status).toBe(422);
    expect(message).toContain(sentence);
  });
});

/** Every field that the manager can write. */
const report: Required<SysctlProfileStatus> = {
  observedGeneration: 1,
  nodes: { matched: 40, updated: 12, ready: 11, failed: 1, drifted: 0 },
  sysctls: [{ name: 'kernel.msgmax', lane: 'Pod', namespace: 'ipc', reason: 'every pod has its own' }],
  failures: [{ node: 'worker-7', name: 'vm.max_map_count', message: 'EINVAL' }],
  conditions: [
    {
      type: 'Ready',
      status: 'False',
      observedGeneration: 1,
      lastTransitionTime: '2026-01-01T00:00:00Z',
      reason: 'NodeFailed',
      message: 'node worker-7: vm.max_map_count: EINVAL',
    },
  ],
};

describe('the status', () => {
  beforeAll(async () => {
    await createProfile(server.admin, 'reported', sysctls('{name: vm.swappiness, value: 1}'));
    await server.admin.must(patch(`${PROFILES}/reported/status?fieldValidation=Strict`, { status: report }));
  });

  test('everything that the manager can report is kept as it is', async () => {
    const { body } = await server.admin.call({ path: `${PROFILES}/reported` });
    expect(body['status']).toEqual(report);
  });

  test('kubectl prints what one wants to see first', async () => {
    const table = await kubectl(server, ['get', 'sysp', 'reported']);
    expect(table.split('\n')[0]?.split(/\s{2,}/)).toEqual([
      'NAME',
      'READY',
      'REASON',
      'MATCHED',
      'UPDATED',
      'NODES READY',
      'AGE',
    ]);
    expect(table).toMatch(/reported +False +NodeFailed +40 +12 +11 /);
  });
});
