import { painter, wrap, type Paint } from '../text.ts';
import { snippets, warnings } from './advice.ts';
import type { Known } from './find.ts';
import type { Measured } from './kernel/compare.ts';
import { badge, inPod, podsMay, providerRange, valueKind } from './wording.ts';

const LABEL = 13;

type Row = [label: string, text: string | undefined];

function facts({ entry }: Known): Row[] {
  const { providers, coupled, aliases } = entry;
  return [
    ['Value', valueKind(entry)],
    ['In a pod', inPod(entry)],
    ['Pods', podsMay(entry)],
    ['Also set by', entry.writers?.join(', ')],
    ['Same as', aliases?.join(', ')],
    [
      'Coupled',
      coupled && `${coupled.names.length > 0 ? `${coupled.names.join(', ')}: ` : ''}${coupled.rule}`,
    ],
    ['Reads back', entry.rounding],
    ['Needs', entry.module],
    ['Older Linux', entry.history],
    ['AKS takes', providers?.aks && providerRange(providers.aks)],
    ['GKE takes', providers?.gke && providerRange(providers.gke)],
  ];
}

function block(
  label: string,
  text: string,
  columns: number,
  paint: Paint,
  style?: 'yellow' | 'green',
): string[] {
  return wrap(text, columns - LABEL - 2).map(
    (line, index) =>
      `  ${paint('dim', (index === 0 ? label : '').padEnd(LABEL))}${style ? paint(style, line) : line}`,
  );
}

function here({ release, found, differences }: Measured, columns: number, paint: Paint): string[] {
  const label = 'This kernel';
  if (!found) return block(label, `Linux ${release} does not have it`, columns, paint, 'yellow');
  const value = found.value === undefined ? '' : `: ${found.value}`;
  if (differences.length === 0)
    return block(label, `Linux ${release} agrees with all of this${value}`, columns, paint, 'green');
  const said = differences.map(
    ({ field, catalog, kernel }) => `${field} is ${String(kernel)} here, not ${String(catalog)}`,
  );
  return block(label, `Linux ${release} differs${value}; ${said.join('; ')}`, columns, paint, 'yellow');
}

/** The page of one key, for people. `columns`: width of the page. */
export function page(known: Known, colour: boolean, columns: number, measured?: Measured): string {
  const { name, entry } = known;
  const paint = painter(colour);
  const side = badge(entry);
  const gap = Math.max(2, columns - name.length - side.length);
  const lines = [
    `${paint('bold', name)}${' '.repeat(gap)}${paint('cyan', side)}`,
    '',
    ...wrap(entry.description, columns - 2).map((line) => `  ${line}`),
    '',
    ...facts(known).flatMap(([label, text]) => (text ? block(label, text, columns, paint) : [])),
  ];
  const risks = warnings(name, entry);
  for (const [index, risk] of risks.entries())
    lines.push(...block(index === 0 ? 'Careful' : '', risk, columns, paint, 'yellow'));
  if (measured) lines.push(...here(measured, columns, paint));
  for (const { title, lines: yaml } of snippets(name, entry))
    lines.push('', `  ${paint('dim', `# ${title}`)}`, ...yaml.map((line) => `  ${line}`));
  lines.push('', ...wrap(`Source: ${entry.source}`, columns - 2).map((line) => paint('dim', `  ${line}`)));
  return `${lines.join('\n')}\n`;
}
