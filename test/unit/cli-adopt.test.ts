import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { SysctlProfile } from '../../operator/api/profile.ts';
import { cli, type Ran } from './support/cli.ts';

const adopt = (from: string, text: string, ...more: string[]): Promise<Ran> =>
  cli(['adopt', '--from', from, '/etc/sysctl.d/90-My_File.conf', ...more], {
    files: { '/etc/sysctl.d/90-My_File.conf': text },
  });
const specOf = async (from: string, text: string) =>
  (parse((await adopt(from, text)).out) as SysctlProfile).spec;

describe('adopt --from sysctl.conf', () => {
  test('gives a profile that touches nothing before somebody says where', async () => {
    const { status, out } = await adopt('sysctl.conf', 'vm.swappiness = 10\n');
    expect(status).toBe(0);
    expect(parse(out)).toEqual({
      apiVersion: 'sysctl-operator.dev/v1alpha1',
      kind: 'SysctlProfile',
      metadata: { name: 'my-file' },
      spec: { nodeSelector: {}, mode: 'Plan', sysctls: [{ name: 'vm.swappiness', value: 10 }] },
    });
  });

  test('is about the node: what pods have for themselves gets scope: Node', async () => {
    const { sysctls } = await specOf(
      'sysctl.conf',
      'net.core.somaxconn=4096\nnet.core.rmem_max=1\nkernel.sem = 250\t32000 100 128',
    );
    expect(sysctls).toEqual([
      { name: 'net.core.somaxconn', value: 4096, scope: 'Node' },
      { name: 'net.core.rmem_max', value: 1 },
      { name: 'kernel.sem', value: '250\t32000 100 128', scope: 'Node' },
    ]);
  });

  test('reads the format: comments, "-", slashes, and the last of the same', async () => {
    const text =
      '# a\n; b\n\n-net/ipv4/conf/eth0.100/rp_filter = 2\nvm.swappiness=1\n  vm.swappiness   =  2  \n';
    expect((await specOf('sysctl.conf', text)).sysctls).toEqual([
      { name: 'net/ipv4/conf/eth0.100/rp_filter', value: 2, scope: 'Node', optional: true },
      { name: 'vm.swappiness', value: 2 },
    ]);
  });

  test('numbers keep every digit', async () => {
    const text = 'kernel.shmmax = 18446744073692774399\nvm.mmap_min_addr = 0x10000';
    expect((await specOf('sysctl.conf', text)).sysctls?.map(({ value }) => value)).toEqual([
      '18446744073692774399',
      '0x10000',
    ]);
  });

  test('says what it leaves out: patterns, dangerous keys, names that are none', async () => {
    const text =
      'vm.swappiness=1\nnet.ipv4.conf.*.rp_filter = 1\n-net.ipv4.conf.eth0.*\nkernel.panic=10\nnonsense\nvm..x = 1\n';
    const { out, err } = await adopt('sysctl.conf', text);
    expect((parse(out) as SysctlProfile).spec.sysctls).toEqual([{ name: 'vm.swappiness', value: 1 }]);
    for (const lost of [
      'net.ipv4.conf.*.rp_filter',
      'line 3:',
      'acknowledgeRisks: [kernel.panic]',
      'line 5:',
      'vm..x',
    ])
      expect(err).toContain(lost);
  });

  test('a damaged line of render is named', async () => {
    const { status, err } = await adopt('sysctl.conf', '#: {"profile":\nvm.swappiness=1');
    expect(status).toBe(2);
    expect(err).toContain('line 1:');
  });
});

test('adopt --from tuned reads [sysctl] with bounds, and says what only TuneD knows', async () => {
  const text = `[main]\nsummary=x\ninclude=throughput-performance\n[variables]\na=1\n[sysctl]\nkernel.pid_max=>4194304\nvm.swappiness=<10\nnet.ipv4.tcp_rmem="4096 87380 16777216"\nvm.dirty_ratio=\${a}\n[cpu]\ngovernor=performance\n`;
  const { out, err } = await adopt('tuned', text);
  expect((parse(out) as SysctlProfile).spec.sysctls).toEqual([
    { name: 'kernel.pid_max', value: 4_194_304, match: 'AtLeast' },
    { name: 'vm.swappiness', value: 10, match: 'AtMost' },
    { name: 'net.ipv4.tcp_rmem', value: '4096 87380 16777216', scope: 'Node' },
  ]);
  for (const lost of ['include=throughput-performance', 'vm.dirty_ratio', 'variables, cpu'])
    expect(err).toContain(lost);
});

describe('adopt from a cloud', () => {
  test('--from aks takes the two files of az and the answer of its API', async () => {
    const expected = [
      { name: 'net.core.somaxconn', value: 163_849, scope: 'Node' },
      { name: 'net.ipv4.tcp_tw_reuse', value: 1, scope: 'Node' },
      { name: 'net.ipv4.tcp_keepalive_intvl', value: 30, scope: 'Node' },
    ];
    const sysctls = {
      netCoreSomaxconn: 163_849,
      netIpv4TcpTwReuse: true,
      netIpv4TcpkeepaliveIntvl: 30,
      vmNew: 1,
    };
    const { out, err } = await adopt('aks', JSON.stringify({ swapFileSizeMB: 1500, sysctls }));
    expect((parse(out) as SysctlProfile).spec.sysctls).toEqual(expected);
    expect(err).toContain('vmNew');
    const pool = {
      properties: { linuxOSConfig: { sysctls }, kubeletConfig: { allowedUnsafeSysctls: ['net.*'] } },
    };
    expect(await specOf('aks', JSON.stringify(pool))).toMatchObject({
      sysctls: expected,
      pods: { allowedUnsafeSysctls: ['net.*'] },
    });
  });

  test('--from gke and --from talos take theirs', async () => {
    const gke =
      'kubeletConfig:\n  allowedUnsafeSysctls: [kernel.msg*]\nlinuxConfig:\n  sysctl:\n    net.core.somaxconn: "2048"\n';
    const talos =
      'machine:\n  sysctls: {net.core.somaxconn: "2048"}\n  kubelet: {extraConfig: {allowedUnsafeSysctls: [kernel.msg*]}}\n---\nkind: other\n';
    const expected = {
      sysctls: [{ name: 'net.core.somaxconn', value: 2048, scope: 'Node' }],
      pods: { allowedUnsafeSysctls: ['kernel.msg*'] },
    };
    expect(await specOf('gke', gke)).toMatchObject(expected);
    expect(await specOf('talos', talos)).toMatchObject(expected);
  });

  test.each(['aks', 'gke', 'talos', 'tuned', 'sysctl.conf'])(
    '--from %s of something else is an error',
    async (from) => {
      const { status, out, err } = await adopt(from, '{"a": 1}\n');
      expect({ status, out }).toEqual({ status: 2, out: '' });
      expect(err).toContain(`is it ${from}?`);
    },
  );

  test('what was rendered comes back', async () => {
    const files = {
      p: 'apiVersion: sysctl-operator.dev/v1alpha1\nkind: SysctlProfile\nmetadata: {name: a}\nspec: {nodeSelector: {}, sysctls: [{name: vm.max_map_count, value: 262144}], pods: {allowedUnsafeSysctls: [kernel.msg*]}}\n',
    };
    const specs = await Promise.all(
      ['aks', 'gke', 'talos'].map(async (system) =>
        specOf(system, (await cli(['render', 'p', '--to', system], { files })).out),
      ),
    );
    for (const { sysctls, pods } of specs)
      expect({ sysctls, pods }).toEqual({
        sysctls: [{ name: 'vm.max_map_count', value: 262_144 }],
        pods: { allowedUnsafeSysctls: ['kernel.msg*'] },
      });
  });
});

test('--name must be one that Kubernetes takes', async () => {
  expect((await adopt('sysctl.conf', 'vm.swappiness=1', '--name', 'My Profile')).status).toBe(2);
  expect((await adopt('sysctl.conf', 'vm.swappiness=1', '--name', 'mine')).out).toContain('name: mine');
});
