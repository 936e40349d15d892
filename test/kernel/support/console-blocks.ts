/** One command of a document and what it prints. */
export interface Command {
  /** Where the document has it. */
  line: number;
  chapter: string;
  command: string;
  output: string;
}

const FENCE = '```';

/**
 * The commands of all `console` blocks of a Markdown text, or of all `console PLACE` ones, which are for another place: a line that begins with "$ " and those after it with "> "; what follows up to
 * the next one is its output.
 */
export function commandsOf(markdown: string, place = ''): Command[] {
  const opening = `${FENCE}console ${place}`.trimEnd();
  const commands: Command[] = [];
  let chapter = '';
  let inside: 'text' | 'console' | 'other' = 'text';
  let current: Command | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    if (line.startsWith(FENCE)) {
      inside = inside !== 'text' ? 'text' : line === opening ? 'console' : 'other';
      current = undefined;
    } else if (inside === 'text' && line.startsWith('#')) chapter = line.replace(/^#+ /, '');
    else if (inside === 'console' && line.startsWith('$ ')) {
      current = { line: index + 1, chapter, command: line.slice(2), output: '' };
      commands.push(current);
    } else if (current?.output === '' && line.startsWith('> ')) current.command += `\n${line.slice(2)}`;
    else if (current) current.output += `${line}\n`;
  }
  return commands;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What a printed output must match: `<number>` stands for one number; blanks and tabs are alike. */
export function pattern(output: string): RegExp {
  const body = output
    .trimEnd()
    .split(/(<number>|[ \t]+)/)
    .map((part) => {
      if (part === '<number>') return '-?\\d+';
      return /^[ \t]+$/.test(part) ? '[ \\t]+' : escaped(part);
    });
  return new RegExp(`^${body.join('')}$`);
}
