import { messageOf, OperatorError } from './errors.ts';

type Role = (env: NodeJS.ProcessEnv, signal: AbortSignal) => Promise<void>;

const roles: Record<string, () => Promise<Role>> = {
  manager: async () => (await import('./manager/main.ts')).runManager,
  agent: async () => (await import('./agent/main.ts')).runAgent,
};

/** A role that has not ended this long after SIGTERM is ended: below the pod's 30 s grace period. */
const SHUTDOWN_MS = 20_000;

async function main(): Promise<void> {
  const name = process.argv[2] ?? '';
  const load = roles[name];
  if (!load) {
    process.stderr.write(`usage: sysctl-operator ${Object.keys(roles).join('|')}\n`);
    process.exitCode = 2;
    return;
  }
  const stop = new AbortController();
  const end = (): void => {
    if (stop.signal.aborted) return;
    stop.abort();
    setTimeout(() => process.exit(1), SHUTDOWN_MS).unref();
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  const run = await load();
  await run(process.env, stop.signal);
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    const code = error instanceof OperatorError ? error.code : undefined;
    const fatal = {
      level: 'error',
      message: messageOf(error),
      code,
      stack: error instanceof Error ? error.stack : undefined,
    };
    process.stderr.write(`${JSON.stringify(fatal)}\n`);
    process.exit(1);
  },
);
