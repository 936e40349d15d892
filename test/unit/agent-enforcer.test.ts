import { beforeEach, describe, expect, test } from '@jest/globals';
import { Enforcer } from '../../operator/agent/enforcer.ts';
import { KernelError } from '../../operator/agent/kernel.ts';
import { Ledger } from '../../operator/agent/ledger.ts';
import { MemoryFiles, MemoryKernel, revision } from './support/agent-fakes.ts';

const NAME = 'vm.max_map_count';
const MINUTE = 60_000;
const wanted = revision('wanted', [{ name: NAME, value: '262144' }]);
const nothing = revision('nothing', []);

describe('enforcing', () => {
  let kernel: MemoryKernel;
  let files: MemoryFiles;
  let now: number;
  let enforcer: Enforcer;

  const start = (values: Record<string, string>): void => {
    kernel = new MemoryKernel(values);
    files = new MemoryFiles();
    now = 0;
    enforcer = new Enforcer(kernel, Ledger.open('ledger', 'this-boot', files), () => now);
  };
  beforeEach(() => start({ [NAME]: '65530' }));

  const fight = (rounds: number): void => {
    for (let round = 0; round < rounds; round++) {
      kernel.values.set(NAME, '1');
      enforcer.sweep();
    }
  };

  test('the original is on disk before the kernel sees the first write', () => {
    let onDisk: string | undefined;
    kernel.onWrite = () => (onDisk = files.content.get('ledger'));
    enforcer.apply(wanted);
    expect(JSON.parse(onDisk ?? '{}')).toMatchObject({
      bootID: 'this-boot',
      entries: { [NAME]: { original: '65530', written: '262144' } },
    });
  });

  test('nothing is written when the ledger cannot be, and everything once it can', () => {
    files.full = true;
    expect(() => enforcer.apply(wanted)).toThrow(expect.objectContaining({ code: 'LedgerUnreadable' }));
    expect(kernel.writes).toEqual([]);
    files.full = false;
    enforcer.apply(wanted);
    expect(kernel.writes).toEqual([`${NAME}=262144`]);
    expect(enforcer.originals).toEqual({ [NAME]: '65530' });
  });

  test('sweeps in which nothing has changed read each value once, and find what changes then', () => {
    start({ [NAME]: '65530', 'vm.swappiness': '60' });
    enforcer.apply(
      revision('two', [
        { name: NAME, value: '262144' },
        { name: 'vm.absent', value: '1', optional: true },
        { name: 'vm.swappiness', value: '60' },
      ]),
    );
    const first = enforcer.sweep();
    const reads: string[] = [];
    const read = kernel.read.bind(kernel);
    kernel.read = (name) => {
      reads.push(name);
      return read(name);
    };
    expect(enforcer.sweep()).toBe(first);
    expect(reads.toSorted()).toEqual(['vm.absent', NAME, 'vm.swappiness'].toSorted());
    kernel.values.set('vm.swappiness', '1');
    expect(enforcer.sweep()?.corrected).toEqual([{ name: 'vm.swappiness', from: '1', to: '60' }]);
    expect(enforcer.sweep()?.corrected).toEqual([]);
    kernel.values.set('vm.absent', '0');
    expect(enforcer.sweep()?.counts).toMatchObject({ inSync: 3, unsupported: 0 });
    expect(kernel.values.get('vm.absent')).toBe('1');
  });

  test('a sweep without a change writes neither file nor value', () => {
    enforcer.apply(wanted);
    files.full = true;
    kernel.writes.length = 0;
    expect(enforcer.sweep()?.counts.inSync).toBe(1);
    expect(kernel.writes).toEqual([]);
  });

  test('a sweep before the first revision does nothing', () => {
    expect(enforcer.sweep()).toBeUndefined();
  });

  test('a fight ends after five corrections and is taken up again after ten minutes', () => {
    enforcer.apply(wanted);
    fight(5);
    kernel.writes.length = 0;
    fight(1);
    expect(kernel.writes).toEqual([]);
    now += 10 * MINUTE + 1;
    expect(enforcer.sweep()?.corrected).toHaveLength(1);
  });

  test('five corrections over a longer time are no fight', () => {
    enforcer.apply(wanted);
    for (let round = 0; round < 8; round++) {
      now += 3 * MINUTE;
      kernel.values.set(NAME, '1');
      expect(enforcer.sweep()?.corrected).toHaveLength(1);
    }
  });

  test.each([
    ['vm.overcommit_memory', 'kubelet'],
    ['net.netfilter.nf_conntrack_max', 'kube-proxy'],
  ])('where %s is contested, %s is named as the likely other writer', (name, writer) => {
    start({ [name]: '0' });
    enforcer.apply(revision('r', [{ name, value: '2' }]));
    const outcomes = Array.from({ length: 6 }, () => {
      kernel.values.set(name, '1');
      return enforcer.sweep();
    });
    expect(outcomes.at(-1)?.deviations[0]?.message).toContain(writer);
  });

  test('a refused write is reported by every sweep and repeated after ten minutes', () => {
    kernel.onWrite = (name) => {
      throw new KernelError('EINVAL', `${name}: the kernel refused it (EINVAL)`);
    };
    const first = enforcer.apply(wanted).deviations;
    expect(first).toEqual([
      {
        name: NAME,
        desired: '262144',
        live: '65530',
        state: 'Failed',
        message: `${NAME}: the kernel refused it (EINVAL); it has 65530`,
      },
    ]);
    kernel.onWrite = () => {};
    expect(enforcer.sweep()?.deviations).toEqual(first);
    now += 10 * MINUTE + 1;
    expect(enforcer.sweep()?.deviations).toEqual([]);
    expect(kernel.values.get(NAME)).toBe('262144');
  });

  test('a value that could not be put back stays in the ledger and is tried again', () => {
    enforcer.apply(wanted);
    kernel.onWrite = (name) => {
      throw new KernelError('EBUSY', `${name}: the kernel refused it (EBUSY)`);
    };
    const { deviations } = enforcer.apply(nothing);
    expect(deviations[0]).toMatchObject({
      state: 'Failed',
      message: expect.stringContaining('could not be put back'),
    });
    expect(enforcer.originals).toEqual({ [NAME]: '65530' });
    kernel.onWrite = () => {};
    now += 10 * MINUTE + 1;
    enforcer.sweep();
    expect(kernel.values.get(NAME)).toBe('65530');
    expect(enforcer.originals).toEqual({});
  });

  test('a key that the kernel refuses has no original, also where an agent was killed between the ledger and the refusal', () => {
    kernel.onWrite = () => {
      throw new Error('killed');
    };
    expect(() => enforcer.apply(wanted)).toThrow('killed');
    expect(JSON.parse(files.content.get('ledger') ?? '{}')).toMatchObject({ entries: { [NAME]: {} } });
    kernel.onWrite = (name) => {
      throw new KernelError('EINVAL', `${name}: the kernel refused it (EINVAL)`);
    };
    const next = new Enforcer(kernel, Ledger.open('ledger', 'this-boot', files), () => now);
    expect(next.apply(wanted).counts.failed).toBe(1);
    expect(next.originals).toEqual({});
  });

  test('what a refused write changed nevertheless is put back like any other value', () => {
    start({ 'kernel.sem': '32000 1024000000 500 32000' });
    kernel.onWrite = (name) => {
      kernel.values.set(name, '1 2 500 32000');
      throw new KernelError('ERANGE', `${name}: the kernel refused it (ERANGE)`);
    };
    enforcer.apply(revision('r', [{ name: 'kernel.sem', value: '1 2 3 99999' }]));
    kernel.onWrite = () => {};
    expect(enforcer.apply(nothing).deviations).toEqual([]);
    expect(kernel.values.get('kernel.sem')).toBe('32000 1024000000 500 32000');
  });

  test('an unexpected error is not taken for an answer of the kernel', () => {
    kernel.onWrite = () => {
      throw new TypeError('a bug');
    };
    expect(() => enforcer.apply(wanted)).toThrow(TypeError);
  });
});

describe('keys that set each other to 0', () => {
  let kernel: MemoryKernel;
  let enforcer: Enforcer;

  beforeEach(() => {
    kernel = new MemoryKernel({ 'vm.dirty_bytes': '0', 'vm.dirty_ratio': '20' });
    kernel.onWrite = (name, value) => {
      if (name === 'vm.dirty_bytes' && value === '0') throw new KernelError('EINVAL', 'refused');
      kernel.values.set(name === 'vm.dirty_bytes' ? 'vm.dirty_ratio' : 'vm.dirty_bytes', '0');
    };
    enforcer = new Enforcer(kernel, Ledger.open('ledger', 'this-boot', new MemoryFiles()));
    enforcer.apply(revision('bytes', [{ name: 'vm.dirty_bytes', value: '1000000' }]));
  });

  test('are put back by writing the other one', () => {
    expect(kernel.values.get('vm.dirty_ratio')).toBe('0');
    expect(enforcer.apply(nothing).deviations).toEqual([]);
    expect(Object.fromEntries(kernel.values)).toEqual({ 'vm.dirty_bytes': '0', 'vm.dirty_ratio': '20' });
  });

  test('are put back without undoing what the next revision wants of the other one', () => {
    const { deviations } = enforcer.apply(revision('ratio', [{ name: 'vm.dirty_ratio', value: '15' }]));
    expect(deviations).toEqual([]);
    expect(Object.fromEntries(kernel.values)).toEqual({ 'vm.dirty_bytes': '0', 'vm.dirty_ratio': '15' });
    enforcer.apply(nothing);
    expect(Object.fromEntries(kernel.values)).toEqual({ 'vm.dirty_bytes': '0', 'vm.dirty_ratio': '20' });
  });

  test('of which one is wanted to be 0 keep the other one, and both come back', () => {
    enforcer.apply(nothing);
    const both = revision('both', [
      { name: 'vm.dirty_bytes', value: '2000000' },
      { name: 'vm.dirty_ratio', value: '0' },
    ]);
    expect(enforcer.apply(both).deviations).toEqual([]);
    expect(Object.fromEntries(kernel.values)).toEqual({ 'vm.dirty_bytes': '2000000', 'vm.dirty_ratio': '0' });
    expect(enforcer.apply(nothing).deviations).toEqual([]);
    expect(Object.fromEntries(kernel.values)).toEqual({ 'vm.dirty_bytes': '0', 'vm.dirty_ratio': '20' });
  });

  test('change places when the next revision wants the 0 on the other side', () => {
    const turned = revision('turned', [
      { name: 'vm.dirty_bytes', value: '0' },
      { name: 'vm.dirty_ratio', value: '30' },
    ]);
    expect(enforcer.apply(turned).deviations).toEqual([]);
    expect(Object.fromEntries(kernel.values)).toEqual({ 'vm.dirty_bytes': '0', 'vm.dirty_ratio': '30' });
  });
});
