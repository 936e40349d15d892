/** What a command sees of the world: a test hands in another. */
export interface Terminal {
  /** To standard output, as it is. */
  print(text: string): void;
  /** To standard error: what is not the result. */
  complain(text: string): void;
  /** A file's text; "-" is standard input. Throws with a message for a person. */
  read(file: string): string;
  /** Standard output is a terminal that shows colours. */
  readonly colour: boolean;
  /** Width of the terminal; 100 where output goes elsewhere. */
  readonly columns: number;
}

export interface Option {
  type: 'boolean' | 'string';
  short?: string;
  /** The only values that it takes. */
  choices?: readonly string[];
  /** Name of the value in the help, and one line about it. */
  value?: string;
  about: string;
}
export type Options = Readonly<Record<string, Option>>;

export interface Arguments {
  positionals: readonly string[];
  values: Readonly<Record<string, string | boolean | undefined>>;
}

export interface Command {
  /** What is typed after the name: "KEY...". */
  synopsis: string;
  /** What the positional arguments are, for the completion in a shell. */
  takes: 'keys' | 'files' | readonly string[];
  options: Options;
  /** What it is for, in paragraphs, with examples. */
  help: string;
  /** Exit status after an error, where 2 means something else; 2 without it. */
  failure?: number;
  /** Returns the exit status. */
  run(args: Arguments, terminal: Terminal): Promise<number> | number;
}

/** A command's name and line in the overview; the rest is loaded when it is used. */
export interface CommandEntry {
  name: string;
  summary: string;
  load: () => Promise<Command>;
}
