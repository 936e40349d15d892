import type { Terminal } from '../../../operator/cli/command.ts';
import { runProgram } from '../../../operator/cli/program.ts';
import { InputError } from '../../../operator/cli/usage.ts';

export interface Ran {
  status: number;
  out: string;
  err: string;
}

export interface World {
  files?: Readonly<Record<string, string>>;
  colour?: boolean;
  columns?: number;
}

/** Runs a command line with files in memory. */
export async function cli(
  args: readonly string[],
  { files = {}, colour = false, columns = 100 }: World = {},
): Promise<Ran> {
  const ran = { out: '', err: '' };
  const terminal: Terminal = {
    print: (text) => void (ran.out += text),
    complain: (text) => void (ran.err += text),
    read(file) {
      const text = files[file];
      if (text === undefined) throw new InputError(`${file}: there is no such file`);
      return text;
    },
    colour,
    columns,
  };
  const status = await runProgram(args, terminal);
  return { status, ...ran };
}
