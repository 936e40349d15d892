/** What kubectl warns of: manifests/base/advice-policy.yaml on a real API server. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Scope, SysctlEntry, SysctlProfile, SysctlProfileSpec } from '../../operator/api/profile.ts';
import { warningsFor } from '../../operator/sysctl/advice/warnings.ts';
import { allEntries } from '../../operator/sysctl/catalog/index.ts';
import { checkPattern } from '../../operator/sysctl/kubelet-patterns.ts';
import type { TestApiServer } from './support/api-server.ts';
import { cleanProfiles, sampleWarnings, warned } from './support/advised-profiles.ts';
import { installed, manifests } from './support/installation.ts';
import { until } from './support/wait.ts';

const PREFIX =
  "Warning: Validation failed for ValidatingAdmissionPolicy 'sysctl-operator-advice' with binding 'sysctl-operator-advice': ";

let server: TestApiServer;
let count = 0;

/** Creates profiles as a person does, but for storing them; the warnings without their prefix, and what else kubectl says on stderr. */
async function create(
  specs: readonly Partial<SysctlProfileSpec>[],
): Promise<{ created: number; warnings: string[] }> {
  const items = specs.map((spec) => ({
    apiVersion: 'sysctl-operator.dev/v1alpha1',
    kind: 'SysctlProfile',
    metadata: { name: `advised-${++count}` },
    spec: { nodeSelector: {}, ...spec },
  }));
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const { stdout, stderr } = await server.kubectl(['create', '--dry-run=server', '-f', '-'], list);
  const warnings = stderr.split('\n').filter(Boolean);
  return {
    created: stdout.match(/ created/g)?.length ?? 0,
    warnings: warnings.map((line) => (line.startsWith(PREFIX) ? line.slice(PREFIX.length) : line)),
  };
}

beforeAll(async () => {
  server = await installed();
  const probe = { sysctls: [{ name: 'vm.panic_on_oom', value: 0 }] };
  await until('the policy is in force', async () => (await create([probe])).warnings.length > 0);
}, 180_000);
afterAll(() => server?.close());

describe('kubectl warns, and the profile is accepted', () => {
  test.each(warned)('%s', async (_what, spec, ...warnings) => {
    expect(await create([spec])).toEqual({ created: 1, warnings });
    // What other parts of the operator say is the same.
    expect(warningsFor(spec)).toEqual(warnings);
  });
});

test.each(cleanProfiles)('nothing is said about %s', async (_what, spec) => {
  expect(await create([spec])).toEqual({ created: 1, warnings: [] });
});

const edited = (value: number): string =>
  JSON.stringify({
    apiVersion: 'sysctl-operator.dev/v1alpha1',
    kind: 'SysctlProfile',
    metadata: { name: 'edited' },
    spec: { nodeSelector: {}, sysctls: [{ name: 'kernel.msgmax', value }] },
  });

test('an edit is told the same as a new profile; the status is not looked at', async () => {
  const first = await server.kubectl(['apply', '-f', '-'], edited(1));
  const second = await server.kubectl(['apply', '-f', '-'], edited(2));
  expect(first.stderr).toContain('spec.sysctls (kernel.msgmax): written nowhere');
  expect(second.stderr).toBe(first.stderr);
  const patch = ['patch', 'sysp', 'edited', '--subresource=status', '--type=merge', '-p'];
  expect(await server.kubectl([...patch, '{"status":{"observedGeneration":1}}'])).toMatchObject({
    code: 0,
    stderr: '',
  });
});

test.each(Object.entries(sampleWarnings))(
  'the sample %s warns of what it says itself',
  async (sample, warnings) => {
    const { spec } = parse(
      await readFile(join(manifests, 'samples', `${sample}.yaml`), 'utf8'),
    ) as SysctlProfile;
    expect(await create([spec])).toEqual({ created: 1, warnings });
  },
);

/** The API server refuses these, whoever acknowledges what. */
const REFUSED_IN_PODS = 'net.netfilter.nf_hooks_lwtunnel';
const inChunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));

describe('every key of the catalog is told of by the policy as by the operator', () => {
  const keys = allEntries().map(({ name }) => name.replace('.*.', '.eth0.'));

  test.each<[Scope]>([['Auto'], ['Node']])('with scope %s', async (scope) => {
    const entries = keys.map((name): SysctlEntry => ({ name, value: 1, scope }));
    const specs = inChunks(entries, 8).map((sysctls) => ({
      sysctls,
      // Half of them, so that both are seen.
      acknowledgeRisks: sysctls
        .map(({ name }) => name)
        .filter((name, i) => i % 2 === 0 || refusedAtOnce(name)),
    }));
    const { created, warnings } = await create(specs);
    expect(created).toBe(specs.length);
    expect(warnings).toEqual(specs.flatMap((spec) => warningsFor({ nodeSelector: {}, ...spec })));
  });

  test('as an entry of the allow-list, and as patterns of every length', async () => {
    const prefixes = keys.flatMap((name) =>
      [4, 8, 12, 16, 20].filter((n) => n < name.length).map((n) => `${name.slice(0, n)}*`),
    );
    const patterns = [...new Set([...keys, ...prefixes])].filter(
      (pattern) => checkPattern(pattern) === undefined && pattern !== REFUSED_IN_PODS,
    );
    const specs = inChunks(patterns, 8).map((allowedUnsafeSysctls) => ({ pods: { allowedUnsafeSysctls } }));
    const { created, warnings } = await create(specs);
    expect(created).toBe(specs.length);
    expect(warnings).toEqual(specs.flatMap((spec) => warningsFor({ nodeSelector: {}, ...spec })));
  });
});

/** By the definition itself, so that no profile with it reaches the policy. */
const refusedAtOnce = (name: string): boolean =>
  /^kernel\.(core_pattern|modprobe|poweroff_cmd|hotplug|modules_disabled|kexec_load.*)$|nf_hooks_lwtunnel$/.test(
    name,
  );

const long = (i: number): string => `${'x'.repeat(230)}${i}`;

test('the largest profile stays within the budget of CEL', async () => {
  const spec = {
    sysctls: Array.from({ length: 256 }, (_, i) => ({
      name: `net/ipv4/${long(i)}`,
      value: 'x'.repeat(4094),
      scope: 'Node' as const,
    })),
    acknowledgeRisks: Array.from({ length: 64 }, (_, i) => `net/ipv4/${long(i)}`),
    pods: {
      allowedUnsafeSysctls: Array.from({ length: 64 }, (_, i) => (i === 0 ? 'net.*' : `net.${long(i)}*`)),
    },
  };
  const { created, warnings } = await create([spec]);
  expect(created).toBe(1);
  expect(warnings).toHaveLength(3);
  expect(warnings[0]).toMatch(/^spec\.sysctls \(net\/ipv4\/x+0, /);
  expect(warnings[2]).toBe(warningsFor({ nodeSelector: {}, ...spec })[2]);
});
