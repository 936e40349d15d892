import { spawn } from 'node:child_process';
import type { KernelStatus } from '../../api/state.ts';
import { OperatorError } from '../../errors.ts';
import names from '../../sysctl/catalog/names.json' with { type: 'json' };
import { describeKernel } from '../../sysctl/kernel/differences.ts';
import { parseProbe } from './parse.ts';
import { SCRIPT } from './script.ts';

/** A hundred times what it takes. */
const TIMEOUT_MS = 5000;
const MAX_ERRORS = 1000;

export interface Probe {
  kernel: KernelStatus;
  /** What went wrong in a part of it, so that nothing is said of that part; empty when all went well. */
  problems: string;
}

/** The catalog's writable names. */
export const knownNames = (): string[] =>
  Object.entries(names).flatMap(([folder, files]) => files.split(' ').map((file) => `${folder}.${file}`));

/** Runs a script; whatever it started is gone when this returns. Throws ProbeFailed when it did not run to its end. */
function run(script: string, timeoutMs: number): Promise<{ output: string; errors: string }> {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that all of it can be ended at once.
    const child = spawn('sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const output: Buffer[] = [];
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(0, MAX_ERRORS)));
    const failed = (why: string): void =>
      reject(new OperatorError('ProbeFailed', `the kernel was not looked at: ${why} ${errors}`.trim()));
    const timer = setTimeout(() => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended just now.
      }
    }, timeoutMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      failed(error.message);
    });
    child.once('close', (_code, signal) => {
      clearTimeout(timer);
      if (signal) failed(`it was ended by ${signal}`);
      else resolve({ output: Buffer.concat(output).toString(), errors: errors.trim() });
    });
  });
}

/**
 * Looks at this machine's sysctls from here and from new namespaces that end with it: 20 ms. Changes nothing and reads no value.
 * Throws ProbeFailed.
 */
export async function probeKernel(script = SCRIPT, timeoutMs = TIMEOUT_MS): Promise<Probe> {
  const { output, errors } = await run(script, timeoutMs);
  const measured = parseProbe(output);
  if (measured.host.size === 0)
    throw new OperatorError(
      'ProbeFailed',
      `the kernel was not looked at: nothing is listed ${errors}`.trim(),
    );
  return { kernel: describeKernel(measured, knownNames()), problems: errors };
}
