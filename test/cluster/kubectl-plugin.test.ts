/** The one file of the build, as kubectl itself runs it: by its name in PATH, with the user's own kubeconfig. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { commandLine } from '../../scripts/packed.ts';
import { profile, sysctl } from '../unit/support/profiles.ts';
import type { KubectlResult, TestApiServer } from './support/api-server.ts';
import { nodeHolding, readerWith } from './support/command-line.ts';
import { installed } from './support/installation.ts';
import { createProfile } from './support/profiles.ts';
import { createNode } from './support/service-accounts.ts';

const SPEC = { nodeSelector: {}, sysctls: [{ name: 'vm.max_map_count', value: 262144 }] };

let folder: string;
let server: TestApiServer;
/** kubectl of the admin, whose kubeconfig has a client certificate; `more`: environment on top. */
let kubectl: (args: string[], more?: NodeJS.ProcessEnv) => Promise<KubectlResult>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubectl-plugin-'));
  const file = (name: string): string => join(folder, name);
  const common = { bundle: true, platform: 'node', target: 'node24', format: 'cjs', minify: true } as const;
  await writeFile(file('kubectl-sysctl'), await commandLine({ ...common, logLevel: 'warning' }));
  // What docs/cli.md says to write for completion.
  await writeFile(file('kubectl_complete-sysctl'), '#!/bin/sh\nexec kubectl-sysctl __complete "$@"\n');
  for (const name of ['kubectl-sysctl', 'kubectl_complete-sysctl']) await chmod(file(name), 0o755);
  server = await installed();
  await createNode(server.admin, 'node-1');
  await createProfile(server.admin, 'search', stringify(SPEC));
  const search = profile('search', { sysctls: [sysctl('vm.max_map_count=262144')] });
  await nodeHolding(server, 'node-1', [search], { originals: { 'vm.max_map_count': '65530' } });
  const path = [folder, dirname(process.execPath), process.env['PATH']].join(delimiter);
  kubectl = (args, more = {}) => server.kubectl(args, '', { PATH: path, HOME: folder, ...more });
}, 180_000);
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('kubectl sysctl', () => {
  test('explains a key', async () => {
    const { code, stdout } = await kubectl(['sysctl', 'explain', 'kernel.sem']);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^kernel\.sem +one value for each IPC namespace/),
    ]);
  });

  test('asks the cluster of the kubeconfig, with its client certificate', async () => {
    const { code, stdout } = await kubectl(['sysctl', 'diff', 'node-1']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^vm\.max_map_count .* search +in sync$/m)]);
  });

  test('exits as the command does: 0 for a plan that changes nothing, 2 for one that would', async () => {
    expect((await kubectl(['sysctl', 'plan', 'search'])).code).toBe(0);
    const file = join(folder, 'profile.yaml');
    const head = {
      apiVersion: 'sysctl-operator.dev/v1alpha1',
      kind: 'SysctlProfile',
      metadata: { name: 'search' },
    };
    const spec = { ...SPEC, sysctls: [{ name: 'vm.max_map_count', value: 524288 }] };
    await writeFile(file, stringify({ ...head, spec }));
    const { code, stdout } = await kubectl(['sysctl', 'plan', '-f', file]);
    expect([code, stdout]).toEqual([2, expect.stringContaining('524288')]);
  });

  test('asks the program that the kubeconfig names for a token', async () => {
    const own = await readerWith(server, 'by-program', 'sysctl-operator-planner');
    const text = await readFile(own, 'utf8');
    const token = /token: (\S+)/.exec(text)?.[1] ?? '';
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token },
    };
    await writeFile(join(folder, 'credential.json'), JSON.stringify(credential));
    const exec = {
      apiVersion: credential.apiVersion,
      command: 'cat',
      args: [join(folder, 'credential.json')],
      interactiveMode: 'Never',
    };
    const kubeconfig = join(folder, 'by-program.kubeconfig');
    await writeFile(kubeconfig, text.replace(/token: \S+/, `exec: ${JSON.stringify(exec)}`));
    const { code, stdout } = await kubectl(['sysctl', 'status'], { KUBECONFIG: kubeconfig });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^search +Enforce/m)]);
  });

  test('is completed by kubectl', async () => {
    const { code, stdout } = await kubectl(['__complete', 'sysctl', 'explain', 'net.core.somax']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^net\.core\.somaxconn\b/)]);
  });
});
