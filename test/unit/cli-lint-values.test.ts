import { describe, expect, test } from '@jest/globals';
import { checkValue } from '../../operator/cli/lint/check-value.ts';
import { assignmentsIn } from '../../operator/cli/lint/read-command.ts';
import { plainScalar } from '../../operator/cli/lint/scalars.ts';
import type { CatalogEntry } from '../../operator/sysctl/catalog/types.ts';

const entry = (of: Partial<CatalogEntry>): CatalogEntry => ({
  name: 'a.b',
  namespace: 'none',
  writable: true,
  newNamespace: { presence: 'shared', default: null, from: null },
  type: 'int',
  arity: 1,
  description: '',
  pods: { safeSince: null, allowable: false },
  risks: [],
  source: '',
  ...of,
});

describe('a value', () => {
  test.each<[Partial<CatalogEntry>, string, string | undefined]>([
    [{ type: 'int' }, '5', undefined],
    [{ type: 'int' }, '0x10', undefined],
    [{ type: 'int' }, '-2147483648', undefined],
    [{ type: 'int' }, '2147483648', 'out-of-range'],
    [{ type: 'uint' }, '-1', 'out-of-range'],
    [{ type: 'bool' }, '2', 'out-of-range'],
    [{ type: 'ulong' }, '18446744073692774399', undefined],
    [{ type: 'ulong' }, '18446744073709551616', 'bad-value'],
    [{ type: 'int', range: [0, 200] }, '201', 'out-of-range'],
    [{ type: 'int', range: [0, 200] }, '200', undefined],
    [{ type: 'int' }, '1.5', 'bad-value'],
    [{ type: 'int' }, '64k', 'bad-value'],
    [{ type: 'int' }, 'on', 'bad-value'],
    [{ type: 'int' }, '', 'bad-value'],
    [{ type: 'int' }, '1 2', 'value-count'],
    [{ type: 'tuple', arity: 3 }, '1 2 3', undefined],
    [{ type: 'tuple', arity: 3 }, '1\t2  3', undefined],
    [{ type: 'tuple', arity: 3 }, '1 2', 'value-count'],
    [{ type: 'tuple', arity: 2, range: [1, 65_535] }, '1024 70000', 'out-of-range'],
    [{ type: 'tuple', arity: null }, '256 256 32 0 0', undefined],
    [{ type: 'bitmap', arity: null }, '0-3,7', undefined],
    [{ type: 'bitmap', arity: null }, '0 - 3', 'bad-value'],
    [{ type: 'hex', arity: null }, '00000000,0000000f', undefined],
    [{ type: 'hex', arity: null }, '0xf', 'bad-value'],
    [{ type: 'ports', arity: null }, '8080,30000-32767', undefined],
    [{ type: 'ports', arity: null }, '', undefined],
    [{ type: 'ports', arity: null }, '70000', 'bad-value'],
    [{ type: 'string', arity: null }, 'anything at all', undefined],
  ])('for %j: %j', (kind, text, rule) => {
    expect(checkValue(entry(kind), 'a.b', text)?.rule).toBe(rule);
  });

  test('with a unit is told which number is wanted', () => {
    expect(checkValue(entry({ unit: 'bytes' }), 'a.b', '64k')?.message).toContain(
      'write the number of bytes',
    );
  });
});

test.each([
  ['262144', { kind: 'integer', value: 262_144n }],
  ['-1', { kind: 'integer', value: -1n }],
  ['010', { kind: 'integer', value: 8n }],
  ['0x1F', { kind: 'integer', value: 31n }],
  ['0o17', { kind: 'integer', value: 15n }],
  ['0b11', { kind: 'integer', value: 3n }],
  ['1_000', { kind: 'integer', value: 1000n }],
  ['18446744073709551615', { kind: 'integer', value: 18_446_744_073_709_551_615n }],
  ['089', { kind: 'float' }],
  ['1e6', { kind: 'float' }],
  ['1.0', { kind: 'float' }],
  ['on', { kind: 'boolean' }],
  ['No', { kind: 'boolean' }],
  ['~', { kind: 'null' }],
  ['', { kind: 'null' }],
  ['250 32000 100 128', { kind: 'string' }],
  ['30000-32767', { kind: 'string' }],
  ['1,2', { kind: 'string' }],
  ['bbr', { kind: 'string' }],
])('kubectl reads %j without quotes as %o', (source, plain) => {
  expect(plainScalar(source)).toEqual(plain);
});

test.each([
  ['sysctl -w vm.max_map_count=262144', ['vm.max_map_count=262144']],
  [
    '/sbin/sysctl -qw net.core.somaxconn=512 vm.swappiness=1 && true',
    ['net.core.somaxconn=512', 'vm.swappiness=1'],
  ],
  ['sysctl -w net.ipv4.tcp_rmem="4096 87380 6291456"; exec app', ['net.ipv4.tcp_rmem=4096 87380 6291456']],
  ["sysctl net.ipv4.tcp_rmem='1 2 3'", ['net.ipv4.tcp_rmem=1 2 3']],
  ['echo 1 > /proc/sys/net/ipv4/ip_forward', ['net.ipv4.ip_forward=1']],
  ['echo "1 2" >/proc/sys/net/ipv4/conf/eth0.100/x', ['net.ipv4.conf.eth0/100.x=1 2']],
  ['sysctl -p /etc/sysctl.conf; sysctl vm.swappiness; a=b', []],
])('the script %j sets %j', (script, assignments) => {
  expect(assignmentsIn(script).map(({ name, value }) => `${name}=${value}`)).toEqual(assignments);
});
