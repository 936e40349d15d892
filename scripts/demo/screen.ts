import { styleText } from 'node:util';

const out = process.stdout;
const WIDTH = Math.min(out.columns ?? 100, 100);

/** Colours where the output is a terminal and NO_COLOR is not set. */
const styled = (format: Parameters<typeof styleText>[0], text: string): string =>
  styleText(format, text, { stream: out, validateStream: true });

const print = (text = ''): void => void out.write(`${text}\n`);

/** Words on lines that fit, each after the margin. */
function wrapped(text: string, margin: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && margin.length + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].map((l) => margin + l).join('\n');
}

/** What the demo says. One line each, 100 columns at most, plain when piped. */
export const screen = {
  title(text: string): void {
    print(styled('bold', text));
  },
  step(number: number, of: number, text: string): void {
    print();
    print(styled(['bold', 'cyan'], `${number}/${of}  ${text}`));
  },
  /** What a user would type. */
  command(text: string): void {
    print(styled('bold', `  $ ${text}`));
  },
  /** What a program prints. */
  output(text: string): void {
    for (const line of text.trimEnd().split('\n')) print(styled('dim', `    ${line}`));
  },
  note(text: string): void {
    print(wrapped(text, '  '));
  },
  good(text: string): void {
    print(wrapped(`✓ ${text}`, '  ').replace('✓', styled('green', '✓')));
  },
  bad(text: string): void {
    print(wrapped(`✗ ${text}`, '  ').replace('✗', styled('red', '✗')));
  },
  /** Something that changed, and how long after the start of the step. */
  change(ms: number, who: string, what: string, good: boolean | undefined): void {
    const time = `+${(ms / 1000).toFixed(1)} s`.padStart(8);
    const start = `${time}  ${who.padEnd(24)} `;
    const room = Math.max(20, WIDTH - start.length);
    const text = what.length > room ? `${what.slice(0, room - 1)}…` : what;
    print(
      styled('dim', time) +
        start.slice(time.length) +
        (good === undefined ? text : styled(good ? 'green' : 'yellow', text)),
    );
  },
  /** Columns as wide as what is in them; the first row is the heading. */
  table(rows: readonly (readonly string[])[]): void {
    const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
    for (const [index, row] of rows.entries()) {
      const text = `    ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('   ')}`.trimEnd();
      print(index === 0 ? styled('dim', text) : text);
    }
  },
};
