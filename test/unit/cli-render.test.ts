import { describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import type { SysctlProfileSpec } from '../../operator/api/profile.ts';
import { checkPattern } from '../../operator/sysctl/kubelet-patterns.ts';
import { AKS_NAMES } from '../../operator/cli/vendors.ts';
import { allEntries } from '../../operator/sysctl/catalog/index.ts';
import { cli, type Ran } from './support/cli.ts';

const profileText = (spec: Partial<SysctlProfileSpec>): string =>
  stringify({
    apiVersion: 'sysctl-operator.dev/v1alpha1',
    kind: 'SysctlProfile',
    metadata: { name: 'web' },
    spec: { nodeSelector: {}, ...spec },
  });
const render = (to: string, spec: Partial<SysctlProfileSpec>): Promise<Ran> =>
  cli(['render', 'p.yaml', '--to', to], { files: { 'p.yaml': profileText(spec) } });

const mixed: Partial<SysctlProfileSpec> = {
  sysctls: [
    { name: 'vm.max_map_count', value: 262_144, match: 'AtLeast' },
    { name: 'net.core.somaxconn', value: 4096 },
    { name: 'net/ipv4/ip_local_port_range', value: '10240 65535', scope: 'Node' },
    { name: 'net.core.rmem_max', value: 16_777_216 },
    { name: 'kernel.msgmax', value: 65_536, scope: 'Pod' },
    { name: 'kernel.hostname', value: "it's" },
    { name: 'net.netfilter.nf_conntrack_max', value: 1_048_576, optional: true },
    { name: 'net.ipv4.conf.eth0.forwarding', value: 1 },
    { name: 'kernel.panic', value: 10 },
  ],
  pods: { allowedUnsafeSysctls: ['net.ipv4.tcp_*'] },
};

describe('render --to docker', () => {
  test('gives the flags that a runtime accepts, quoted for a shell, and no others', async () => {
    const { status, out, err } = await render('docker', mixed);
    expect(status).toBe(0);
    expect(out.split('\n')).toEqual([
      '--sysctl net.core.somaxconn=4096',
      "--sysctl 'net.ipv4.ip_local_port_range=10240 65535'",
      '--sysctl kernel.msgmax=65536',
      '',
    ]);
    for (const lost of [
      'vm.max_map_count',
      'net.core.rmem_max',
      'kernel.hostname',
      'nf_conntrack_max',
      'eth0',
      'kernel.panic',
      'net.ipv4.tcp_*',
    ])
      expect(err).toContain(lost);
  });

  test('takes of all known keys those of network and IPC namespaces that the kubelet knows too', async () => {
    const names = allEntries().flatMap(({ name, trigger }) => (name.includes('*') || trigger ? [] : [name]));
    const sysctls = names.map((name) => ({ name, value: 1, scope: 'Node' as const }));
    const { out } = await render('docker', { sysctls, acknowledgeRisks: names });
    const flags = out.split('\n').flatMap((line) => /^--sysctl ([^=]+)=/.exec(line)?.[1] ?? []);
    expect(flags.length).toBeGreaterThan(100);
    expect(flags.filter((name) => checkPattern(name) !== undefined)).toEqual([]);
    expect(flags).not.toContain('net.netfilter.nf_hooks_lwtunnel');
    expect(flags).not.toContain('net.core.wmem_max');
  });
});

describe('render', () => {
  test('--to pod gives what the pod must say, and selects tuned nodes', async () => {
    const { out } = await render('pod', mixed);
    expect(parse(out)).toEqual({
      spec: {
        nodeSelector: { 'profile.sysctl-operator.dev/web': 'ready' },
        securityContext: {
          sysctls: [
            { name: 'net.core.somaxconn', value: '4096' },
            { name: 'net.ipv4.ip_local_port_range', value: '10240 65535' },
            { name: 'kernel.msgmax', value: '65536' },
            { name: 'net.ipv4.conf.eth0.forwarding', value: '1' },
          ],
        },
      },
    });
  });

  test('--to kubelet gives a drop-in with every pattern, and says that lists replace each other', async () => {
    const { out, err } = await render('kubelet', mixed);
    expect(parse(out)).toEqual({
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      allowedUnsafeSysctls: expect.arrayContaining(['kernel.msgmax', 'net.core.somaxconn', 'net.ipv4.tcp_*']),
    });
    expect(err).toContain('the last file replaces them');
  });

  test('--to kubelet of a profile that allows nothing is empty, which is said', async () => {
    const { out, err } = await render('kubelet', { sysctls: [{ name: 'vm.swappiness', value: 1 }] });
    expect(out).toBe('');
    expect(err).toContain('nothing is left');
  });

  test('--to talos and bottlerocket have values as texts, and the list', async () => {
    const spec: Partial<SysctlProfileSpec> = {
      sysctls: [{ name: 'vm.swappiness', value: 1 }],
      pods: { allowedUnsafeSysctls: ['kernel.msg*'] },
    };
    expect(parse((await render('talos', spec)).out)).toEqual({
      machine: {
        sysctls: { 'vm.swappiness': '1' },
        kubelet: { extraConfig: { allowedUnsafeSysctls: ['kernel.msg*'] } },
      },
    });
    expect((await render('bottlerocket', spec)).out).toBe(
      '[settings.kernel.sysctl]\n"vm.swappiness" = "1"\n\n[settings.kubernetes]\nallowed-unsafe-sysctls = ["kernel.msg*"]\n',
    );
  });

  test('--to aks takes what AKS has a setting for, within its ranges', async () => {
    const { out, err } = await render('aks', {
      sysctls: [
        { name: 'vm.max_map_count', value: 262_144 },
        { name: 'vm.swappiness', value: 200 },
        { name: 'vm.dirty_ratio', value: 10 },
        { name: 'net.ipv4.tcp_tw_reuse', value: 1, scope: 'Node' },
        { name: 'net.ipv4.ip_local_port_range', value: '32768 60999', scope: 'Node' },
      ],
      pods: { allowedUnsafeSysctls: ['kernel.msg*'] },
    });
    expect(JSON.parse(out)).toEqual({
      kubeletConfig: { allowedUnsafeSysctls: ['kernel.msg*'] },
      linuxOSConfig: {
        sysctls: { vmMaxMapCount: 262_144, netIpv4TcpTwReuse: true, netIpv4IpLocalPortRange: '32768 60999' },
      },
    });
    expect(err).toContain('vm.dirty_ratio: AKS has no setting for it');
    expect(err).toContain('vm.swappiness: AKS takes 0 to 100, not 200');
  });

  test('--to gke takes what GKE has a setting for', async () => {
    const { out, err } = await render('gke', {
      sysctls: [
        { name: 'net.core.somaxconn', value: 4096, scope: 'Node' },
        { name: 'fs.aio-max-nr', value: 1_048_576 },
      ],
    });
    expect(parse(out)).toEqual({ linuxConfig: { sysctl: { 'net.core.somaxconn': '4096' } } });
    expect(err).toContain('fs.aio-max-nr: GKE has no setting for it');
  });

  test('knows all keys that the catalog says AKS takes', () => {
    const taken = allEntries().flatMap(({ name, providers }) => (providers?.aks ? [name] : []));
    expect(taken.filter((name) => !Object.hasOwn(AKS_NAMES, name))).toEqual([]);
  });

  test('says what the operator leaves out, and a lost bound', async () => {
    const { err } = await render('talos', mixed);
    expect(err).toMatch(/^web: left out kernel\.panic: guarded/m);
    expect(err).toMatch(/^web: lost: vm\.max_map_count: AtLeast is lost/m);
  });

  test('of a file without a profile names the other direction', async () => {
    const { status, err } = await cli(['render', 'a', '--to', 'pod'], { files: { a: 'kind: Pod\n' } });
    expect(status).toBe(2);
    expect(err).toContain('no SysctlProfile');
  });
});
