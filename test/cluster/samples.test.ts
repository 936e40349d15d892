import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readFile } from 'node:fs/promises';
import type { SysctlProfile } from '../../operator/api/profile.ts';
import { resolveProfile } from '../../operator/plan/resolve.ts';
import type { TestApiServer } from './support/api-server.ts';
import { installed, kubectl, manifests } from './support/installation.ts';
import { PROFILES } from './support/profiles.ts';

const folder = join(manifests, 'samples');
const samples = readdirSync(folder);
const wanted = ['conntrack', 'elasticsearch', 'ingress', 'postgresql', 'redis'];

let server: TestApiServer;
beforeAll(async () => {
  server = await installed();
}, 180_000);
afterAll(() => server?.close());

test('the samples that people look for are there', () => {
  expect(samples).toEqual(expect.arrayContaining(wanted.map((name) => `${name}.yaml`)));
});

test.each(samples)(
  '%s is created, stays the same when it is applied again, and is deleted',
  async (sample) => {
    const file = join(folder, sample);
    const path = `${PROFILES}/${sample.replace('.yaml', '')}`;
    await kubectl(server, ['create', '-f', file, '--save-config']);
    const created = await server.admin.must({ path });
    await kubectl(server, ['apply', '-f', file]);
    const again = (await server.admin.must({ path })) as unknown as SysctlProfile;
    expect(again.spec).toEqual(created['spec']);
    expect(again.metadata.generation).toBe(1);
    await kubectl(server, ['delete', '-f', file]);
    expect((await server.admin.call({ path })).status).toBe(404);
  },
);

test.each(samples)('%s has no entry that the operator would leave out', async (sample) => {
  const profile = parse(await readFile(join(folder, sample), 'utf8')) as SysctlProfile;
  const { problems, resolved } = resolveProfile(profile);
  expect(problems).toEqual([]);
  expect(resolved).toHaveLength(profile.spec.sysctls?.length ?? 0);
});
