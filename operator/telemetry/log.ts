/** What a line of the log says besides its message: plain data; errors are printed whole. */
export type LogFields = Record<string, unknown>;

/** The log as every part takes it: winston in the manager, a small JSON writer in the agent. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log that adds these fields to every line. */
  child(fields: LogFields): Log;
}
