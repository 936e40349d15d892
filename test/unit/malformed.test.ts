import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { ProcSys } from '../../operator/agent/kernel.ts';
import { OperatorError } from '../../operator/errors.ts';
import { resolveProfile } from '../../operator/plan/resolve.ts';
import { allEntries, describe as describeKey, suggest } from '../../operator/sysctl/catalog/index.ts';
import { lookup, otherWriters, tupleSize } from '../../operator/sysctl/catalog/lookup.ts';
import { guardOf, warningOf } from '../../operator/sysctl/guards.ts';
import {
  checkPattern,
  isSafeSysctl,
  kubeletNamespace,
  patternMatches,
} from '../../operator/sysctl/kubelet-patterns.ts';
import { normalizeName, procPath } from '../../operator/sysctl/names.ts';
import { writeOrder } from '../../operator/sysctl/order.ts';
import { canonicalValue, checkShape, sameValue, satisfies } from '../../operator/sysctl/values.ts';
import { profile } from './support/profiles.ts';

/** One JSON string per line: what people, templates and attackers put where a name or a value belongs. */
const corpus = readFileSync(new URL('fixtures/malformed.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as string);
const catalogNames = allEntries().map((entry) => entry.name);
/** Names around which the code decides something. */
const KEYS = [
  'vm.swappiness',
  'vm.dirty_bytes',
  'vm.lowmem_reserve_ratio',
  'kernel.sem',
  'kernel.shmmax',
  'kernel.hostname',
  'kernel.core_pattern',
  'kernel.seccomp.actions_logged',
  'kernel.watchdog_cpumask',
  'fs.pipe-max-size',
  'net.core.rps_default_mask',
  'net.core.rps_sock_flow_entries',
  'net.ipv4.icmp_ratelimit',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.neigh.lo.locktime',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fastopen_key',
  'net.ipv6.conf.lo.stable_secret',
  'net.netfilter.nf_conntrack_buckets',
];

const title = (text: string): string => JSON.stringify(text).slice(0, 60);

let root: string;
let kernel: ProcSys;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'sysctl-operator-malformed-'));
  mkdirSync(join(root, 'vm'));
  writeFileSync(join(root, 'vm/swappiness'), '60\n');
  kernel = new ProcSys(root);
});
afterAll(() => rmSync(root, { recursive: true }));

/** What a call that was given nonsense did: a value, or our own error; anything else is thrown on. */
function outcome(call: () => unknown): 'answered' | 'refused' {
  try {
    call();
    return 'answered';
  } catch (error) {
    if (error instanceof OperatorError && error.message !== '') return 'refused';
    throw error;
  }
}

const onName = (name: string): (() => unknown)[] => [
  () => normalizeName(name),
  () => procPath(name),
  () => lookup(name),
  () => otherWriters(name),
  () => tupleSize(name)?.toFixed(),
  () => describeKey(name),
  () => guardOf(name),
  () => warningOf(name),
  () => kubeletNamespace(name),
  () => checkPattern(name),
  () => patternMatches(name, 'net.core.somaxconn') && patternMatches('net.*', name),
  () => isSafeSysctl(name),
  () => checkShape(name, '1')?.toUpperCase(),
  () => sameValue(name, '1', '2'),
  () => writeOrder([{ name, from: '1', to: '2' }]),
  () => kernel.read(name),
  () => kernel.write(name, '1'),
];
const onValue = (name: string, value: string): (() => unknown)[] => [
  () => canonicalValue(name, value).length,
  () => checkShape(name, value, '1')?.length,
  () => checkShape(name, '1', value)?.length,
  () => sameValue(name, value, '1') && sameValue(name, '1', value),
  () => satisfies(name, value, '10', 'AtLeast') && satisfies(name, '10', value, 'AtMost'),
  () =>
    writeOrder([
      { name, from: value, to: '1' },
      { name: 'vm.dirty_ratio', from: '1', to: value },
    ]),
];

describe('nonsense gets an answer or an error of our own', () => {
  test.each(corpus.map((text) => [title(text), text]))('%s', (_, text) => {
    const outcomes = [
      ...onName(text),
      ...[...KEYS, text].flatMap((name) => onValue(name, text)),
      () => kernel.write('vm.swappiness', text),
      () => suggest(text.slice(0, 300)),
    ].map(outcome);
    expect(outcomes).toContain('answered');
  });

  test('every key of the catalog takes every value of the corpus', () => {
    const short = corpus.filter((text) => text.length < 200);
    for (const name of catalogNames)
      for (const text of short)
        expect(
          sameValue(name, canonicalValue(name, text), text) || checkShape(name, text) !== undefined,
        ).toBe(true);
    expect(short.length * catalogNames.length).toBeGreaterThan(10_000);
  });

  test('whatever it is', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: fc.constantFrom(...'vmnet./-*_0x1a,: \n\0'.split('')), maxLength: 30 }),
      fc.constantFrom(...corpus),
    );
    const name = fc.oneof(text, fc.constantFrom(...KEYS));
    let cases = 0;
    const property = fc.property(name, text, (n, v) => {
      cases++;
      for (const call of [...onName(n), ...onValue(n, v), () => kernel.write('vm.swappiness', v)])
        outcome(call);
    });
    fc.assert(property, { numRuns: 1500 });
    expect(cases).toBe(1500);
  });

  test('a profile full of it is resolved: each entry is an answer or a problem of its own', () => {
    const sysctls = corpus.flatMap((text) => [
      { name: text, value: '1' },
      { name: 'vm.swappiness', value: text },
      { name: 'kernel.core_pattern', value: text, match: 'AtLeast' as const },
    ]);
    const { resolved, problems } = resolveProfile(
      profile('nonsense', { sysctls, pods: { allowedUnsafeSysctls: corpus } }),
    );
    expect(
      resolved.length + problems.filter((p) => sysctls.some((s) => s.name === p.name)).length,
    ).toBeGreaterThanOrEqual(sysctls.length);
    expect(problems.every(({ message }) => message !== '')).toBe(true);
  });
});

describe('a malformed name', () => {
  const names = corpus.filter((text) => outcome(() => normalizeName(text)) === 'refused');

  test.each(names.map((text) => [title(text), text]))('%s never becomes a path', (_, name) => {
    expect(outcome(() => procPath(name))).toBe('refused');
    expect(outcome(() => kernel.read(name))).toBe('refused');
    expect(outcome(() => kernel.write(name, '1'))).toBe('refused');
  });

  test('that is let through stays below /proc/sys', () => {
    const paths = corpus.filter((text) => !names.includes(text)).map((text) => procPath(text));
    expect(
      paths.filter((path) => path.startsWith('/') || path.split('/').some((part) => /^\.{0,2}$/.test(part))),
    ).toEqual([]);
  });
});
