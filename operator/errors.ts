/** Every error code, and what a person can do about it. */
export const errorCodes = {
  InvalidName: 'Write the sysctl as in sysctl.d(5), for example vm.max_map_count.',
  KernelRefused: 'The kernel refused the value; correct the profile.',
  LedgerUnreadable: 'Read docs/troubleshooting.md, "The ledger cannot be read".',
  RevisionMissing: 'The agent keeps what it has; the operator creates the revision again while it plans it.',
  ProbeFailed:
    "The catalog is taken for the kernel's word; see that the agent's pod is privileged and its image whole.",
  ApiRequest: 'See the status code; the request is repeated where that can help.',
  RedisAway: 'Agents go on enforcing; work resumes when Redis is back.',
  Fenced: 'Nothing: another replica leads or has the job, and this one has stopped writing.',
  Configuration: 'Correct the flag or the environment variable that the message names.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** Base of every error that this program throws on purpose: a stable code, a message for a person, the cause. */
export class OperatorError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'OperatorError';
    this.code = code;
  }
}

/** The message of anything thrown, with its causes, in one line. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${messageOf(error.cause)}`;
}

/** An error as plain data for a log: JSON.stringify of an Error is "{}". */
export function plainError(error: unknown): Record<string, unknown> | string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: unknown }).code;
  return {
    name: error.name,
    message: error.message,
    ...(code !== undefined && { code }),
    stack: error.stack,
    ...(error.cause !== undefined && { cause: plainError(error.cause) }),
  };
}
