import { cut, type Paint } from '../text.ts';

export interface TableOptions {
  columns: number;
  paint: Paint;
  /** Index of the column that gives way where the line is too long. */
  elastic: number;
}

const GAP = 2;
const NARROWEST = 10;

/** Rows under a heading, as wide as their widest cell; one column gives way to the width of the terminal. */
export function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { columns, paint, elastic }: TableOptions,
): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const used = widths.reduce((a, b) => a + b + GAP, 0) - GAP;
  const wide = widths[elastic] ?? 0;
  if (used > columns) widths[elastic] = Math.max(NARROWEST, wide - (used - columns));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cut(cell, widths[i] ?? 0).padEnd(widths[i] ?? 0))
      .join(' '.repeat(GAP))
      .trimEnd();
  return [paint('dim', line(head)), ...rows.map(line)];
}

/** "3d4h", "12m", "5s": how long ago. Unknown times are "?". */
export function ago(time: string | undefined, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(time ?? '')) / 1000));
  if (Number.isNaN(seconds)) return '?';
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const;
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first === -1) return '0s';
  const [name, size] = units[first] ?? units[3];
  const [smaller, part] = units[first + 1] ?? ['', 0];
  const rest = part === 0 ? 0 : Math.floor((seconds % size) / part);
  const whole = Math.floor(seconds / size);
  return `${whole}${name}${rest > 0 && whole < 10 ? `${rest}${smaller}` : ''}`;
}
