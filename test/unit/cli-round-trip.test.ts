import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { parse, parseAllDocuments, stringify } from 'yaml';
import type { SysctlEntry, SysctlProfile } from '../../operator/api/profile.ts';
import { allEntries } from '../../operator/sysctl/catalog/index.ts';
import { cli } from './support/cli.ts';

const SAMPLES = new URL('../../manifests/samples/', import.meta.url);
const samples = readdirSync(SAMPLES).filter((name) => name.endsWith('.yaml'));

async function thereAndBack(text: string): Promise<string> {
  const { out } = await cli(['render', 'p.yaml', '--to', 'sysctl.d'], { files: { 'p.yaml': text } });
  const { status, out: back } = await cli(['adopt', '--from', 'sysctl.conf', 'p.conf'], {
    files: { 'p.conf': out },
  });
  expect(status).toBe(0);
  return back;
}

describe('render --to sysctl.d and then adopt --from sysctl.conf gives the profile back', () => {
  test.each(samples)('for the sample %s', async (name) => {
    const text = readFileSync(new URL(name, SAMPLES), 'utf8');
    expect(parse(await thereAndBack(text))).toEqual(parse(text));
  });

  test('for all samples in one file', async () => {
    const texts = samples.map((name) => readFileSync(new URL(name, SAMPLES), 'utf8'));
    const back = parseAllDocuments(await thereAndBack(texts.join('---\n')));
    expect(back.map((document) => document.toJS() as unknown)).toEqual(
      texts.map((text) => parse(text) as unknown),
    );
  });

  test('for any profile', async () => {
    const names = allEntries().map(({ name }) => name.replace('*', 'eth0'));
    const word = fc.stringMatching(/^[!-~]([ !-~]{0,20}[!-~])?$/);
    const entry: fc.Arbitrary<SysctlEntry> = fc.record(
      {
        name: fc.oneof(fc.constantFrom(...names), fc.constant('net/ipv4/conf/eth0.100/rp_filter'), word),
        value: fc.oneof(
          fc.integer(),
          fc.constantFrom('1', '0x10', ' 5', '1  2', '1 2 3', '', 'a = b', '# c'),
          word,
        ),
        match: fc.constantFrom('Exact', 'AtLeast', 'AtMost'),
        scope: fc.constantFrom('Auto', 'Node', 'Pod'),
        optional: fc.boolean(),
      },
      { requiredKeys: ['name', 'value'] },
    );
    const profile: fc.Arbitrary<SysctlProfile> = fc.record({
      apiVersion: fc.constant('sysctl-operator.dev/v1alpha1'),
      kind: fc.constant('SysctlProfile'),
      metadata: fc.record(
        { name: fc.constantFrom('a', 'web-1'), labels: fc.constant({ team: '#: {' }) },
        { requiredKeys: ['name'] },
      ),
      spec: fc.record(
        {
          nodeSelector: fc.constantFrom({}, { matchLabels: { a: 'b' } }),
          priority: fc.nat(),
          mode: fc.constantFrom('Enforce', 'Plan'),
          sysctls: fc.array(entry, { maxLength: 6 }),
          pods: fc.constant({ allowedUnsafeSysctls: ['net.ipv4.tcp_*'] }),
          acknowledgeRisks: fc.constantFrom(['kernel.panic'], []),
        },
        { requiredKeys: ['nodeSelector'] },
      ),
    });
    await fc.assert(
      fc.asyncProperty(profile, async (one) => {
        expect(parse(await thereAndBack(stringify(one)))).toEqual(one);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the file for sysctl.d', () => {
  const text = stringify({
    apiVersion: 'sysctl-operator.dev/v1alpha1',
    kind: 'SysctlProfile',
    metadata: { name: 'a' },
    spec: {
      nodeSelector: {},
      sysctls: [
        { name: 'vm.swappiness', value: 1, optional: true },
        { name: 'kernel.msgmax', value: 65_536, scope: 'Pod' },
        { name: 'kernel.panic', value: 10 },
        { name: 'vm.bad\nkernel.panic = 1', value: '2\nkernel.panic = 1' },
      ],
    },
  });

  test('sets what the node gets, and nothing of pods, of what is refused, or of what hides in a name', async () => {
    const { out } = await cli(['render', 'p.yaml', '--to', 'sysctl.d'], { files: { 'p.yaml': text } });
    const set = out.split('\n').filter((line) => line !== '' && !/^[#;]/.test(line));
    expect(set).toEqual(['-vm.swappiness = 1']);
  });
});
