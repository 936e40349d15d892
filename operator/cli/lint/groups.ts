import { BOUNDS, exclusivePairs, type Written } from '../../sysctl/advice/pairs.ts';
import { canonicalValue, kernelInteger } from '../../sysctl/values.ts';
import type { Judged } from './judge-setting.ts';
import type { Report } from './report.ts';
import type { Severity } from './rules.ts';

interface Order {
  low: string;
  high: string;
  /** error: the kernel refuses it. warning: it takes it, and does something else than was meant. */
  severity: Severity;
}
const expected = (low: string, high: string): Order => ({ low, high, severity: 'warning' });

const ORDERS: readonly Order[] = [
  ...BOUNDS.map(([low, high]) => ({ low, high, severity: 'error' as const })),
  expected('net.ipv4.neigh.default.gc_thresh1', 'net.ipv4.neigh.default.gc_thresh2'),
  expected('net.ipv4.neigh.default.gc_thresh2', 'net.ipv4.neigh.default.gc_thresh3'),
  expected('net.ipv6.neigh.default.gc_thresh1', 'net.ipv6.neigh.default.gc_thresh2'),
  expected('net.ipv6.neigh.default.gc_thresh2', 'net.ipv6.neigh.default.gc_thresh3'),
  expected('net.core.rmem_default', 'net.core.rmem_max'),
  expected('net.core.wmem_default', 'net.core.wmem_max'),
  expected('vm.dirty_background_ratio', 'vm.dirty_ratio'),
  expected('vm.dirty_background_bytes', 'vm.dirty_bytes'),
];
/** Several values of which none may be less than the one before; the kernel does not look. */
const ASCENDING: Readonly<Record<string, Severity>> = {
  'net.ipv4.tcp_rmem': 'warning',
  'net.ipv4.tcp_wmem': 'warning',
  'net.ipv4.tcp_mem': 'warning',
  'net.ipv4.udp_mem': 'warning',
};

type ByName = ReadonlyMap<string, Judged>;

const first = (judged: Judged): bigint | undefined =>
  kernelInteger(judged.value?.trim().split(/\s+/)[0] ?? '');

/** What would be written, by name. */
const writtenOf = (keys: ByName): Written =>
  new Map([...keys].map(([name, { value = '' }]) => [name, value]));

function exclusive(keys: ByName, report: Report): void {
  for (const pair of exclusivePairs(writtenOf(keys))) {
    const [one, other] = pair.map((name) => keys.get(name));
    if (!one || !other) continue;
    const [earlier, later] =
      one.setting.nameSpan[0] < other.setting.nameSpan[0] ? [one, other] : [other, one];
    report.add(
      'fighting-keys',
      later.setting.source,
      later.setting.nameSpan,
      `${earlier.name} and ${later.name}: writing one sets the other to 0; keep the one that you mean`,
      { key: later.name },
    );
  }
}

function aliases(keys: ByName, report: Report): void {
  for (const judged of keys.values())
    for (const alias of judged.entry?.aliases ?? []) {
      const other = keys.get(alias);
      if (!other || other.setting.nameSpan[0] > judged.setting.nameSpan[0]) continue;
      const same =
        canonicalValue(judged.name, judged.value ?? '') === canonicalValue(alias, other.value ?? '');
      const message = `${judged.name} and ${alias} are the same value${same ? ': one is enough' : `, and cannot be ${judged.value} and ${other.value}: keep one`}`;
      report.add('fighting-keys', judged.setting.source, judged.setting.nameSpan, message, {
        key: judged.name,
        ...(same && { severity: 'warning' as const }),
      });
    }
}

function orders(keys: ByName, report: Report): void {
  for (const { low, high, severity } of ORDERS) {
    const [lower, upper] = [keys.get(low), keys.get(high)];
    const [a, b] = [lower && first(lower), upper && first(upper)];
    if (!lower || a === undefined || b === undefined || a <= b) continue;
    const consequence =
      severity === 'error' ? 'the kernel refuses it' : 'the kernel takes it, and the smaller one decides';
    report.add(
      'order',
      lower.setting.source,
      lower.setting.value?.span ?? lower.setting.nameSpan,
      `${low} (${a}) must not be above ${high} (${b}): ${consequence}`,
      {
        key: low,
        severity,
      },
    );
  }
  for (const [name, severity] of Object.entries(ASCENDING)) {
    const judged = keys.get(name);
    const parts = (judged?.value ?? '').trim().split(/\s+/).map(kernelInteger);
    const falls = parts.some((part, index) => part !== undefined && part < (parts[index - 1] ?? part));
    if (judged?.setting.value && falls)
      report.add(
        'order',
        judged.setting.source,
        judged.setting.value.span,
        `${name} "${judged.value}": none of the values may be less than the one before`,
        {
          key: name,
          severity,
        },
      );
  }
}

/** What settings of one profile, pod or file do to each other. */
export function judgeGroup(settings: readonly Judged[], report: Report): void {
  const keys = new Map(settings.map((judged) => [judged.name, judged]));
  exclusive(keys, report);
  aliases(keys, report);
  orders(keys, report);
}

const NODE_PORTS = [30000n, 32767n] as const;

/** Connections from the node must not take a port that a Service has (service-node-port-range). */
export function judgeNodePorts(settings: readonly Judged[], report: Report): void {
  const range = settings.find(({ name }) => name === 'net.ipv4.ip_local_port_range');
  if (!range?.setting.value || settings.some(({ name }) => name === 'net.ipv4.ip_local_reserved_ports'))
    return;
  const [low, high] = (range.value ?? '').trim().split(/\s+/).map(kernelInteger);
  if (low === undefined || high === undefined || low > NODE_PORTS[1] || high < NODE_PORTS[0]) return;
  report.add(
    'node-ports',
    range.setting.source,
    range.setting.value.span,
    `source ports ${low} to ${high} include the NodePorts ${NODE_PORTS.join(' to ')}: reserve these with net.ipv4.ip_local_reserved_ports "${NODE_PORTS.join('-')}"`,
    { key: range.name },
  );
}
