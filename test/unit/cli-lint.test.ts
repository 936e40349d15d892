import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import type { SysctlEntry, SysctlProfile } from '../../operator/api/profile.ts';
import { lintFiles } from '../../operator/cli/lint/lint.ts';
import { textReport } from '../../operator/cli/lint/output.ts';
import { rules } from '../../operator/cli/lint/rules.ts';
import { resolveProfile } from '../../operator/plan/resolve.ts';
import { allEntries } from '../../operator/sysctl/catalog/index.ts';
import { cli } from './support/cli.ts';

const FIXTURES = new URL('fixtures/lint/', import.meta.url);
const SAMPLES = new URL('../../manifests/samples/', import.meta.url);
const text = (folder: URL, name: string): string => readFileSync(new URL(name, folder), 'utf8');
const inTheWild = readdirSync(FIXTURES).filter((name) => !name.endsWith('.expected'));
const samples = readdirSync(SAMPLES).filter((name) => name.endsWith('.yaml'));

describe('what people copy gets the advice that its fixture asks for', () => {
  test.each(inTheWild)('%s', async (name) => {
    const findings = await lintFiles([{ name, text: text(FIXTURES, name) }]);
    expect(textReport(findings, false, 100)).toBe(text(FIXTURES, `${name}.expected`));
  });

  test('and every rule is shown by one of them', () => {
    const shown = inTheWild.map((name) => text(FIXTURES, `${name}.expected`)).join('');
    expect(Object.keys(rules).filter((rule) => !shown.includes(`[${rule}]`))).toEqual([]);
  });

  test('and every rule is in the documentation', () => {
    const page = text(new URL('../../docs/', import.meta.url), 'cli.md');
    expect(Object.keys(rules).filter((rule) => !page.includes(`| \`${rule}\` |`))).toEqual([]);
  });
});

describe('the samples of this project', () => {
  test.each(samples)('%s has no error and no warning', async (name) => {
    const findings = await lintFiles([{ name, text: text(SAMPLES, name) }]);
    expect(findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
  });
});

const withEntry = (entry: string): string =>
  `apiVersion: sysctl-operator.dev/v1alpha1\nkind: SysctlProfile\nmetadata: {name: a}\nspec:\n  nodeSelector: {}\n  sysctls:\n    - ${entry}\n`;

describe('a place', () => {
  test.each([
    ['a plain name', '{name: vm.swapines, value: 1}', 14, 25],
    ['a name in quotes', '{name: "vm.swapines", value: 1}', 14, 27],
  ])('is that of %s, to its end', async (_, entry, column, endColumn) => {
    const [finding] = await lintFiles([{ name: 'a.yaml', text: withEntry(entry) }]);
    expect(finding).toMatchObject({
      file: 'a.yaml',
      line: 7,
      column,
      endLine: 7,
      endColumn,
      rule: 'unknown-key',
    });
  });

  test('counts over several documents and files, in the order given', async () => {
    const findings = await lintFiles([
      { name: 'b.yaml', text: `# first\n---\n${withEntry('{name: vm.swappiness, value: 500}')}` },
      { name: 'a.conf', text: '\n  vm.swappiness=500' },
    ]);
    expect(findings.map(({ file, line, column, rule }) => [file, line, column, rule])).toEqual([
      ['b.yaml', 9, 36, 'out-of-range'],
      ['a.conf', 2, 17, 'out-of-range'],
    ]);
  });

  test('inside a script is the assignment', async () => {
    const pod = `spec:\n  initContainers:\n    - command:\n        - sh\n        - -c\n        - |\n          set -e\n          sysctl -w vm.max_map_count=262144\n`;
    expect(await lintFiles([{ name: 'a.yaml', text: pod }])).toMatchObject([
      { line: 8, column: 21, rule: 'sysctl-in-container', key: 'vm.max_map_count' },
    ]);
  });
});

const allowing = `apiVersion: sysctl-operator.dev/v1alpha1\nkind: SysctlProfile\nmetadata: {name: web}\nspec:\n  nodeSelector: {}\n  pods: {allowedUnsafeSysctls: ["net.ipv4.tcp_*"]}\n`;
const askingPod = (selector = ''): string =>
  `kind: Pod\nspec:\n  ${selector}\n  securityContext:\n    sysctls: [{name: net.ipv4.tcp_tw_reuse, value: "1"}]\n`;
const rulesOf = async (...texts: string[]): Promise<string[]> =>
  (await lintFiles(texts.map((one, index) => ({ name: `${index}.yaml`, text: one })))).map(
    ({ rule }) => rule,
  );

describe('files are looked at together', () => {
  test('an unsafe sysctl that nobody allows is a warning', async () => {
    expect(await rulesOf(askingPod())).toEqual(['not-allowed']);
  });

  test('a profile in another file allows it, and then the pod should select its nodes', async () => {
    expect(await rulesOf(askingPod(), allowing)).toEqual(['node-selector']);
    expect(
      await rulesOf(askingPod('nodeSelector: {profile.sysctl-operator.dev/web: ready}'), allowing),
    ).toEqual([]);
  });

  test('a configuration of the kubelet allows it too', async () => {
    const kubelet = 'kind: KubeletConfiguration\nallowedUnsafeSysctls: [net.ipv4.tcp_tw_reuse]\n';
    expect(await rulesOf(askingPod(), kubelet)).toEqual([]);
  });
});

test('whatever the operator leaves out of a profile is an error here', async () => {
  const names = allEntries().map(({ name }) => name.replace('*', 'eth0'));
  const entry: fc.Arbitrary<SysctlEntry> = fc.record(
    {
      name: fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom(...names) },
        { weight: 1, arbitrary: fc.string() },
      ),
      value: fc.oneof(fc.integer(), fc.constantFrom('', '1 2', '4096 131072 6291456', 'bbr', 'x')),
      scope: fc.constantFrom('Auto', 'Node', 'Pod'),
      match: fc.constantFrom('Exact', 'AtLeast', 'AtMost'),
    },
    { requiredKeys: ['name', 'value'] },
  );
  await fc.assert(
    fc.asyncProperty(entry, async (one) => {
      const profile: SysctlProfile = {
        apiVersion: 'sysctl-operator.dev/v1alpha1',
        kind: 'SysctlProfile',
        metadata: { name: 'a' },
        spec: { nodeSelector: {}, sysctls: [one] },
      };
      const refused = resolveProfile(profile).problems.length > 0;
      const errors = (await lintFiles([{ name: 'a.yaml', text: stringify(profile) }])).filter(
        ({ severity }) => severity === 'error',
      );
      expect(refused && errors.length === 0 ? one : 'told').toBe('told');
    }),
    { numRuns: 500 },
  );
});

test('a file with anything in it is judged or told to be broken, never a fault of the program', async () => {
  const scrap = fc.constantFrom(
    'apiVersion: sysctl-operator.dev/v1alpha1',
    'kind: SysctlProfile',
    'kind: PodSecurityPolicy',
    'metadata: {name: [1]}',
    'spec:',
    '  sysctls:',
    '  sysctls: {a: b}',
    '  - {name: vm.swappiness, value: ',
    '    - name: 5',
    '      value: [1, {a: 2}]',
    '  acknowledgeRisks: [1, {a: b}, null]',
    '  pods: {allowedUnsafeSysctls: [1, [2], null, "net.*"]}',
    '  securityContext: {sysctls: [1, {name: a}, {value: 1}, {name: vm.x, value: {}}]}',
    '  nodeSelector: &a {b: *a}',
    'command: [sysctl, -w, "a.b=1", 5, {c: d}]',
    'a.b = 1',
    '-*.x = y',
    '=',
    '---',
  );
  const content = fc.oneof(
    fc.string(),
    fc.array(fc.oneof(scrap, fc.string())).map((lines) => lines.join('\n')),
  );
  await fc.assert(
    fc.asyncProperty(content, fc.constantFrom('a.yaml', 'a.conf', '-'), async (one, name) => {
      const findings = await lintFiles([{ name, text: one }]);
      expect(findings.filter(({ line, column }) => line < 1 || column < 1)).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});

describe('lint', () => {
  const files = {
    'bad.conf': 'vm.swappiness = 500\n',
    'warned.conf': 'net.core.somaxconn = 65535\n',
    'good.conf': 'vm.swappiness = 10\n',
  };
  const lint = (...args: string[]) => cli(['lint', ...args], { files });

  test('exits 1 for an error, 0 for less, 2 for a file that cannot be read', async () => {
    expect(await lint('good.conf')).toEqual({ status: 0, out: '', err: 'nothing found in 1 file\n' });
    expect(await lint('warned.conf')).toMatchObject({ status: 0, err: '1 warning in 1 file\n' });
    expect(await lint('bad.conf', 'good.conf')).toMatchObject({ status: 1, err: '1 error in 2 files\n' });
    expect(await lint('good.conf', 'none.conf')).toMatchObject({ status: 2, out: '' });
  });

  test('prints one line for each finding, which editors understand', async () => {
    expect((await lint('bad.conf')).out).toBe(
      'bad.conf:1:17: error: vm.swappiness takes 0 to 200, not 500: the kernel refuses it [out-of-range]\n',
    );
  });

  test('--severity leaves lesser findings out, and the exit status alone', async () => {
    expect(await lint('warned.conf', '--severity', 'error')).toEqual({
      status: 0,
      out: '',
      err: 'nothing found in 1 file\n',
    });
    expect((await lint('bad.conf', '--severity', 'error')).status).toBe(1);
  });

  test('-o json is an array of findings', async () => {
    const { status, out } = await lint('bad.conf', '-o', 'json');
    expect(status).toBe(1);
    expect(JSON.parse(out)).toEqual([
      {
        file: 'bad.conf',
        line: 1,
        column: 17,
        endLine: 1,
        endColumn: 20,
        severity: 'error',
        rule: 'out-of-range',
        key: 'vm.swappiness',
        message: 'vm.swappiness takes 0 to 200, not 500: the kernel refuses it',
      },
    ]);
    expect(JSON.parse((await lint('good.conf', '-o', 'json')).out)).toEqual([]);
  });

  test('-o sarif is SARIF 2.1.0 with the rules that were found', async () => {
    const { out } = await lint('bad.conf', 'warned.conf', '-o', 'sarif');
    const { version, runs } = JSON.parse(out) as { version: string; runs: Record<string, unknown>[] };
    expect(version).toBe('2.1.0');
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject({
      tool: { driver: { name: 'kubectl-sysctl', rules: [{ id: 'host-value' }, { id: 'out-of-range' }] } },
      results: [
        {
          ruleId: 'out-of-range',
          ruleIndex: 1,
          level: 'error',
          message: { text: expect.stringContaining('takes 0 to 200') },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: 'bad.conf' },
                region: { startLine: 1, startColumn: 17, endLine: 1, endColumn: 20 },
              },
            },
          ],
        },
        { ruleId: 'host-value', ruleIndex: 0, level: 'warning' },
      ],
    });
  });

  test('tells a drop-in of the kubelet from a file of sysctl.d by what is in it', async () => {
    const dropIn =
      'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nallowedUnsafeSysctls: ["vm.*"]\n';
    expect((await cli(['lint', '50-a.conf'], { files: { '50-a.conf': dropIn } })).out).toContain(
      '[bad-pattern]',
    );
    expect((await cli(['lint', '-'], { files: { '-': 'vm.swappiness=500' } })).out).toContain(
      '[out-of-range]',
    );
  });
});
