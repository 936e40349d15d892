import { beforeAll, describe, expect, test } from '@jest/globals';
import { parseProbe } from '../../operator/agent/probe/parse.ts';
import { knownNames } from '../../operator/agent/probe/probe.ts';
import { SCRIPT } from '../../operator/agent/probe/script.ts';
import { describe as entryOf } from '../../operator/sysctl/catalog/index.ts';
import { describeKernel } from '../../operator/sysctl/kernel/differences.ts';
import { KernelView } from '../../operator/sysctl/kernel/view.ts';
import { suite } from './support/scenario.ts';
import { hasThrowAwayKernel, onThrowAwayKernel } from './support/throw-away-kernel.ts';

/** What Linux 6.1 has otherwise than the kernel that the catalog was measured on, among some 500 sysctls that both have. */
const DIFFERENT: Readonly<Record<string, object>> = {
  'kernel.pid_max': { namespace: { catalog: 'pid', kernel: 'none' } },
  'net.core.optmem_max': { presence: { catalog: 'own', kernel: 'absent' } },
  'net.core.tstamp_allow_data': { presence: { catalog: 'own', kernel: 'absent' } },
  'net.core.rmem_default': { presence: { catalog: 'readOnly', kernel: 'absent' } },
  'net.core.rmem_max': { presence: { catalog: 'readOnly', kernel: 'absent' } },
  'net.core.wmem_default': { presence: { catalog: 'readOnly', kernel: 'absent' } },
  'net.core.wmem_max': { presence: { catalog: 'readOnly', kernel: 'absent' } },
};

interface Told {
  name: string;
  kernel: { release: string; exists: boolean };
  differs: Record<string, unknown>;
}

const one = hasThrowAwayKernel ? suite : describe.skip;
if (!hasThrowAwayKernel)
  process.stderr.write(`!!! SKIPPED: a second kernel to throw away: there is none for ${process.arch}\n`);

one('a kernel that can be thrown away', () => {
  test('cannot take these back, as the catalog says: modules_disabled, unprivileged_bpf_disabled, ptrace_scope', async () => {
    const tries: [name: string, first: string, then: string][] = [
      ['kernel.modules_disabled', '1', '0'],
      ['kernel.unprivileged_bpf_disabled', '1', '0'],
      ['kernel.unprivileged_bpf_disabled', '1', '2'],
      ['kernel.yama.ptrace_scope', '3', '0'],
    ];
    const script = tries
      .map(([name, first, then]) => {
        const file = `/proc/sys/${name.replaceAll('.', '/')}`;
        return `echo ${first} > ${file} && (echo ${then} > ${file}) 2> /dev/null || echo refused; cat ${file}`;
      })
      .join('; ');
    const said = await onThrowAwayKernel(script);
    expect(said.split('\n')).toEqual(tries.flatMap(([, first]) => ['refused', first]));
    for (const [name] of tries)
      expect([name, entryOf(name)]).toEqual([
        name,
        expect.objectContaining({ irreversible: expect.any(String) }),
      ]);
  });

  test('has what the catalog knows and this machine lacks: SysRq, modprobe, modules_disabled, ptrace_scope', async () => {
    const names = ['kernel.sysrq', 'kernel.modprobe', 'kernel.modules_disabled', 'kernel.yama.ptrace_scope'];
    const said = await onThrowAwayKernel(
      names.map((name) => `stat --format %a /proc/sys/${name.replaceAll('.', '/')}`).join('; '),
    );
    expect(said.split('\n')).toEqual(names.map(() => '644'));
    for (const name of names)
      expect([name, entryOf(name)?.namespace, entryOf(name)?.writable]).toEqual([name, 'none', true]);
  });

  describe("is seen by the agent's own look at a kernel", () => {
    let view: KernelView;
    let release: string;

    beforeAll(async () => {
      const [first = '', ...rest] = (await onThrowAwayKernel(`uname -r; ${SCRIPT}`)).split('\n');
      release = first;
      view = new KernelView(describeKernel(parseProbe(rest.join('\n')), knownNames()));
    });

    test('so that Auto puts keys where this kernel has them', () => {
      expect(release).toMatch(/^6\.1\./);
      expect(view.placement('kernel.pid_max')).toMatchObject({ namespace: 'none' });
      expect(view.placement('net.core.optmem_max')).toEqual({ namespace: 'none', podPresence: 'absent' });
      expect(view.placement('net.core.somaxconn')).toEqual({ namespace: 'net', podPresence: 'own' });
    });

    test('so that no kubelet is told to allow what a pod does not have there', () => {
      expect(view.refusesPods('net.core.optmem_max')).toEqual(expect.any(String));
      expect(view.refusesPods('net.core.rmem_max')).toEqual(expect.any(String));
      expect(view.refusesPods('net.core.somaxconn')).toBeUndefined();
    });
  });

  test('is told by explain --kernel, which differs from the catalog in seven keys of 500', async () => {
    const explain = 'node operator/cli/main.ts explain --kernel --all -o json';
    const told = JSON.parse(await onThrowAwayKernel(explain, 700)) as Told[];
    const here = told.filter(({ kernel }) => kernel.exists);
    expect(here.length).toBeGreaterThan(450);
    expect(here[0]?.kernel.release).toMatch(/^6\.1\./);
    const otherwise = here.filter(({ differs }) => 'namespace' in differs || 'presence' in differs);
    expect(Object.fromEntries(otherwise.map(({ name, differs }) => [name, differs]))).toEqual(
      Object.fromEntries(
        Object.entries(DIFFERENT).map(([name, differs]) => [name, expect.objectContaining(differs)]),
      ),
    );
    // The catalog says so to those who have an older kernel.
    for (const name of Object.keys(DIFFERENT))
      expect([name, entryOf(name)?.history]).toEqual([name, expect.any(String)]);
  });
});
