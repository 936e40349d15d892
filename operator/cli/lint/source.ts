/** From, to: offsets in a file's text. */
export type Span = readonly [start: number, end: number];

export interface Position {
  /** Both count from 1. */
  line: number;
  column: number;
}

/** A file's text, and where in it an offset is. */
export class Source {
  readonly file: string;
  readonly text: string;
  readonly #lineStarts: number[] = [0];

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1))
      this.#lineStarts.push(at + 1);
  }

  position(offset: number): Position {
    let [low, high] = [0, this.#lineStarts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
  }
}

/** The part of a span that names something, for values that stand inside a longer text. */
export function within({ text }: Source, [start, end]: Span, part: string): Span {
  const at = text.slice(start, end).indexOf(part);
  return at === -1 ? [start, end] : [start + at, start + at + part.length];
}
