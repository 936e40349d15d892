import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';

/** One line of a result; figures carry their unit in the name of the column. */
export type Row = Record<string, string | number>;

const oneDecimal = (value: string | number): string | number =>
  typeof value === 'number' ? Math.round(value * 100) / 100 : value;

/** The machine, as far as figures depend on it. */
const machine = (): Row => ({
  cpus: cpus().length,
  cpu: cpus()[0]?.model.trim() ?? '',
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  load: loadavg()[0] ?? 0,
});

/** `--json FILE` of a benchmark's command line, and its own options. */
export function benchOptions<T extends Record<string, string>>(defaults: T): T & { json?: string } {
  const options = Object.fromEntries(
    [...Object.entries(defaults), ['json', '']].map(([name]) => [name, { type: 'string' as const }]),
  );
  const { values } = parseArgs({ options });
  return { ...defaults, ...values };
}

/** Prints a result as a table, and writes it as JSON where `json` names a file. */
export function report(bench: string, rows: readonly Row[], json?: string): void {
  const shown = rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([k, v]) => [k, oneDecimal(v)])),
  );
  console.table(shown);
  const on = machine();
  console.log(
    `${bench}: ${on['cpus']} CPUs (${on['cpu']}), Linux ${on['kernel']}, Node ${on['node']}, load ${on['load']}`,
  );
  if (json)
    writeFileSync(
      json,
      `${JSON.stringify({ bench, at: new Date().toISOString(), machine: on, rows: shown }, null, 1)}\n`,
    );
}

/** The value below which this part of the values lies (nearest rank); NaN of none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}

/** p50, p90, p99 and the greatest, in ms. */
export const spread = (ms: readonly number[]): Row => ({
  n: ms.length,
  'p50, ms': percentile(ms, 50),
  'p90, ms': percentile(ms, 90),
  'p99, ms': percentile(ms, 99),
  'max, ms': percentile(ms, 100),
});
