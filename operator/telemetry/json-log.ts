import { plainError } from '../errors.ts';
import type { Log, LogFields } from './log.ts';

const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
type Level = (typeof LEVELS)[number];

export interface JsonLogOptions {
  level?: string;
  write?: (line: string) => void;
  now?: () => Date;
}

/** One JSON object per line, as winston prints it in the manager; the agent does not load winston, for its memory's sake. */
export function jsonLog(options: JsonLogOptions = {}, bound: LogFields = {}): Log {
  const { write = (line) => void process.stdout.write(line), now = () => new Date() } = options;
  const limit = Math.max(0, LEVELS.indexOf((options.level ?? 'info') as Level));
  const at =
    (level: Level) =>
    (message: string, fields: LogFields = {}) => {
      if (LEVELS.indexOf(level) > limit) return;
      const line: LogFields = { level, message, timestamp: now().toISOString(), ...bound, ...fields };
      for (const [name, value] of Object.entries(line))
        if (value instanceof Error) line[name] = plainError(value);
      write(`${JSON.stringify(line)}\n`);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => jsonLog(options, { ...bound, ...fields }),
  };
}
