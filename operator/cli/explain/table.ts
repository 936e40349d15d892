import { cut, painter } from '../text.ts';
import type { Known } from './find.ts';
import type { Measured } from './kernel/compare.ts';
import { whereTo } from './wording.ts';

const NAMESPACE = 9;
const WHERE = 10;
const LONGEST_NAME = 46;

/** One line for each key, for a pattern that stands for many. A mark says where this machine's kernel differs. */
export function table(
  keys: readonly Known[],
  colour: boolean,
  columns: number,
  measured?: ReadonlyMap<string, Measured>,
): string {
  const paint = painter(colour);
  const width = Math.min(LONGEST_NAME, Math.max(4, ...keys.map(({ name }) => name.length)));
  const rest = Math.max(20, columns - width - NAMESPACE - WHERE - 6);
  const row = (name: string, namespace: string, where: string, text: string): string =>
    `${name.padEnd(width)}  ${namespace.padEnd(NAMESPACE)}  ${where.padEnd(WHERE)}  ${text}`.trimEnd();
  const lines = keys.map(({ name, entry }) => {
    const seen = measured?.get(name);
    const mark = !seen
      ? ''
      : !seen.found
        ? 'not here: '
        : seen.differences.length > 0
          ? 'differs here: '
          : '';
    const text = `${mark}${entry.description}`;
    const line = row(
      name,
      entry.namespace === 'none' ? 'node' : entry.namespace,
      whereTo(entry),
      cut(text, rest),
    );
    return mark ? paint('yellow', line) : line;
  });
  return `${paint('bold', row('NAME', 'NAMESPACE', 'SET IN', 'WHAT IT IS'))}\n${lines.join('\n')}\n`;
}
