import { createLogger, format, transports, type Logger } from 'winston';
import { plainError } from '../errors.ts';
import type { Log } from './log.ts';

/** winston prints `{error: new Error()}` as `{}`; every error among the fields is expanded instead. */
const expandErrors = format((info) => {
  for (const [name, value] of Object.entries(info))
    if (value instanceof Error) info[name] = plainError(value);
  return info;
});

const wrap = (logger: Logger): Log => ({
  debug: (message, fields) => void logger.debug(message, fields),
  info: (message, fields) => void logger.info(message, fields),
  warn: (message, fields) => void logger.warn(message, fields),
  error: (message, fields) => void logger.error(message, fields),
  child: (fields) => wrap(logger.child(fields)),
});

/** The manager's log: one JSON object per line on standard output. */
export const winstonLog = (level: string): Log =>
  wrap(
    createLogger({
      level,
      format: format.combine(expandErrors(), format.timestamp(), format.json()),
      transports: [new transports.Console()],
    }),
  );
