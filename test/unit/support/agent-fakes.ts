import type { RevisionSysctl } from '../../../operator/api/revision.ts';
import type { NodeSysctlState, NodeSysctlStateStatus } from '../../../operator/api/state.ts';
import type { DurableFiles } from '../../../operator/agent/durable-file.ts';
import { KernelError, type KernelParameters } from '../../../operator/agent/kernel.ts';
import type { NamedRevision } from '../../../operator/agent/revisions.ts';
import { ApiError, type ApiRequest, type ApiServer } from '../../../operator/kube/api-server.ts';
import type { Log, LogFields } from '../../../operator/telemetry/log.ts';

/** A kernel in memory. `before` runs before every write, so that a test sees what is on disk then. */
export class MemoryKernel implements KernelParameters {
  readonly values: Map<string, string>;
  readonly writes: string[] = [];
  /** Side effects of a write, and refusals: may throw a KernelError. */
  onWrite: (name: string, value: string) => void = () => {};

  constructor(values: Record<string, string>) {
    this.values = new Map(Object.entries(values));
  }

  read(name: string): string {
    const value = this.values.get(name);
    if (value === undefined)
      throw new KernelError('ENOENT', `${name}: this kernel does not have it (ENOENT)`);
    return value;
  }

  write(name: string, value: string): void {
    this.onWrite(name, value);
    this.writes.push(`${name}=${value}`);
    this.values.set(name, value);
  }

  hold(): void {}

  bootID(): string {
    return 'this-boot';
  }

  release(): string {
    return '6.18.0';
  }
}

/** A disk in memory; `full` makes every write fail. */
export class MemoryFiles implements DurableFiles {
  readonly content = new Map<string, string>();
  full = false;

  read(file: string): string | undefined {
    return this.content.get(file);
  }

  write(file: string, content: string): void {
    if (this.full) throw new Error('ENOSPC: no space left on device');
    this.content.set(file, content);
  }
}

export interface LogLine extends LogFields {
  level: string;
  message: string;
}

/** A log that keeps its lines. */
export function recordingLog(lines: LogLine[] = []): Log & { lines: LogLine[] } {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, ...fields });
  return {
    lines,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => recordingLog(lines),
  };
}

/** An API server that answers requests with `answer` and keeps them; a watch is a queue of events. */
export class StubApiServer implements ApiServer {
  readonly requests: ApiRequest[] = [];
  answer: (request: ApiRequest) => unknown = () => ({});

  async request<T>(request: ApiRequest): Promise<T> {
    this.requests.push(request);
    return (await this.answer(request)) as T;
  }

  // oxlint-disable-next-line require-yield
  async *watch<T>(): AsyncIterable<T> {
    throw new Error('no watch here');
  }

  /** Bodies of the status patches. */
  get statuses(): NodeSysctlStateStatus[] {
    return this.requests
      .filter((r) => r.method === 'PATCH' && r.path.endsWith('/status'))
      .map((r) => (r.body as { status: NodeSysctlStateStatus }).status);
  }
}

export const apiError = (status: number, retryAfterMs?: number): ApiError =>
  new ApiError(
    { method: 'GET', path: '/' },
    status,
    { reason: `Status${status}`, message: `status ${status}` },
    retryAfterMs,
  );

export type EntryDraft = Partial<RevisionSysctl> & Pick<RevisionSysctl, 'name' | 'value'>;

export const entry = (draft: EntryDraft): RevisionSysctl => ({
  match: 'Exact',
  optional: false,
  profile: 'test',
  drift: 'Correct',
  removal: 'Restore',
  ...draft,
});

export const revision = (name: string, sysctls: EntryDraft[], allowed: string[] = []): NamedRevision => ({
  name,
  data: {
    sysctls: sysctls.map(entry),
    kubelet: { allowedUnsafeSysctls: allowed },
    policy: { confirmTimeoutSeconds: 60, onFailure: 'Rollback' },
    profiles: [{ name: 'test', generation: 1 }],
  },
});

export const stateOf = (
  revisionName: string,
  generation = 1,
  status?: NodeSysctlStateStatus,
): NodeSysctlState => ({
  metadata: {
    name: 'worker-1',
    uid: 'state-uid',
    generation,
    ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'worker-1', uid: 'node-uid' }],
  },
  spec: { revision: revisionName },
  ...(status && { status }),
});

/** Waits until a condition holds; throws after 4 s, before the test's own timeout would leave it waiting for ever. */
export async function until(holds: () => boolean): Promise<void> {
  const limit = performance.now() + 4000;
  while (!holds()) {
    if (performance.now() > limit) throw new Error(`waited 4 s in vain: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
