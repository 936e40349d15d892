import { describe, expect, test } from '@jest/globals';
import { compare } from '../../operator/cli/explain/kernel/compare.ts';
import { judge } from '../../operator/cli/explain/kernel/judge.ts';
import type { Listing, SysctlFile } from '../../operator/cli/explain/kernel/listing.ts';
import { MARK, type Measurement } from '../../operator/cli/explain/kernel/measure.ts';
import { record } from '../../operator/cli/explain/record.ts';
import type { CatalogEntry } from '../../operator/sysctl/catalog/types.ts';

const file = (value: string, more: Partial<SysctlFile> = {}): SysctlFile => ({
  writable: true,
  everybody: false,
  permitted: false,
  value,
  ...more,
});
const files = (of: Record<string, SysctlFile>): Listing => new Map(Object.entries(of));
const nothing = files({});
const seen = (of: Partial<Measurement>): Measurement => ({
  host: nothing,
  net: nothing,
  ipc: nothing,
  pid: nothing,
  uts: nothing,
  stranger: nothing,
  strangerNet: nothing,
  strangerIpc: nothing,
  strangerPid: nothing,
  memfdStaysInside: false,
  ...of,
});

const entry = (name: string, of: Partial<CatalogEntry> = {}): CatalogEntry => ({
  name,
  namespace: 'none',
  writable: true,
  newNamespace: { presence: 'shared', default: null, from: null },
  type: 'int',
  arity: 1,
  description: 'Something.',
  pods: { safeSince: null, allowable: false },
  risks: [],
  source: 'nowhere',
  ...of,
});

describe('whose a key is shows in who sees and who may write it', () => {
  const host = files({
    'net.a': file('1'),
    'kernel.a': file('1'),
    'kernel.b': file('1', { everybody: true }),
  });
  test.each<[string, string, Partial<Measurement>, string]>([
    ['not there in a new network namespace', 'net.a', {}, 'none absent'],
    [
      'read-only there',
      'net.a',
      { net: files({ 'net.a': file('1', { writable: false }) }) },
      'none readOnly',
    ],
    [
      'writable there by its root',
      'net.a',
      { net: files({ 'net.a': file('1') }), strangerNet: files({ 'net.a': file('1', { permitted: true }) }) },
      'net own',
    ],
    [
      'writable there, but not by a stranger',
      'net.a',
      { net: files({ 'net.a': file('1') }), strangerNet: files({ 'net.a': file('1') }) },
      'none shared',
    ],
    ['not there for strangers at all', 'net.a', { net: files({ 'net.a': file('1') }) }, 'net own'],
    [
      'a stranger with an IPC namespace may write it',
      'kernel.a',
      { strangerIpc: files({ 'kernel.a': file('1', { permitted: true }) }) },
      'ipc own',
    ],
    [
      'a stranger may write it',
      'kernel.a',
      { stranger: files({ 'kernel.a': file('1', { permitted: true }) }) },
      'user own',
    ],
    [
      'another value in a new PID namespace',
      'kernel.b',
      { pid: files({ 'kernel.b': file('2') }) },
      'pid own',
    ],
    [
      'it has what only a new UTS namespace was told',
      'kernel.a',
      { uts: files({ 'kernel.a': file(MARK) }) },
      'uts own',
    ],
    ['nothing of all that', 'kernel.a', {}, 'none shared'],
  ])('%s', (_, name, parts, said) => {
    const { namespace, presence } = judge(name, seen({ host, ...parts }));
    expect(`${namespace} ${presence}`).toBe(said);
  });
});

describe('a kernel beside the catalog', () => {
  const somaxconn = entry('net.core.somaxconn', {
    namespace: 'net',
    newNamespace: { presence: 'own', default: '4096', from: 'hardCoded' },
  });
  const host = files({ 'net.core.somaxconn': file('128') });
  const mayWrite = files({ 'net.core.somaxconn': file('128', { permitted: true }) });

  test('that agrees has no differences', () => {
    const same = seen({ host, net: files({ 'net.core.somaxconn': file('4096') }), strangerNet: mayWrite });
    const measured = compare({ name: somaxconn.name, entry: somaxconn }, same, '6.18.0');
    expect(measured.differences).toEqual([]);
    expect(record({ name: somaxconn.name, entry: somaxconn }, measured)).toMatchObject({
      newNamespace: { presence: 'own', default: '4096', from: 'hardCoded' },
      kernel: { release: '6.18.0', exists: true, value: '128' },
      differs: {},
    });
  });

  test('that is older is believed, and what differs is marked', () => {
    const older = seen({
      host,
      net: files({ 'net.core.somaxconn': file('128', { writable: false }) }),
      strangerNet: mayWrite,
    });
    const measured = compare({ name: somaxconn.name, entry: somaxconn }, older, '4.4.0');
    expect(record({ name: somaxconn.name, entry: somaxconn }, measured)).toMatchObject({
      namespace: 'none',
      newNamespace: { presence: 'readOnly', default: null, from: null },
      differs: {
        namespace: { catalog: 'net', kernel: 'none' },
        presence: { catalog: 'own', kernel: 'readOnly' },
      },
    });
  });

  test('another default in a new namespace is a difference, and a copy that is none too', () => {
    const copied = entry('net.ipv4.tcp_rmem', {
      namespace: 'net',
      type: 'tuple',
      arity: 3,
      newNamespace: { presence: 'own', default: null, from: 'init' },
    });
    const here = seen({
      host: files({ 'net.core.somaxconn': file('128'), 'net.ipv4.tcp_rmem': file('1\t2\t3') }),
      net: files({ 'net.core.somaxconn': file('128'), 'net.ipv4.tcp_rmem': file('4\t5\t6') }),
    });
    expect(compare({ name: somaxconn.name, entry: somaxconn }, here, '5.0.0').differences).toEqual([
      { field: 'default', catalog: '4096', kernel: '128' },
    ]);
    expect(compare({ name: copied.name, entry: copied }, here, '5.0.0').differences).toEqual([
      { field: 'from', catalog: 'init', kernel: 'hardCoded' },
    ]);
  });

  test('that does not have the key says so and leaves the catalog to speak', () => {
    const measured = compare({ name: somaxconn.name, entry: somaxconn }, seen({}), '3.0.0');
    expect(record({ name: somaxconn.name, entry: somaxconn }, measured)).toMatchObject({
      namespace: 'net',
      kernel: { release: '3.0.0', exists: false, value: null },
    });
  });

  test('a family is looked at on the loopback interface', () => {
    const family = entry('net.ipv4.conf.*.forwarding', {
      family: true,
      namespace: 'net',
      newNamespace: { presence: 'own', default: '0', from: 'init' },
    });
    const both = files({
      'net.ipv4.conf.lo.forwarding': file('1'),
      'net.ipv4.conf.default.forwarding': file('0'),
    });
    const measured = compare(
      { name: 'net.ipv4.conf.eth7.forwarding', entry: family },
      seen({ host: both, net: both }),
      '6.18.0',
    );
    expect(measured).toMatchObject({
      differences: [],
      found: { newNamespace: { presence: 'own', default: '0' } },
    });
  });
});
