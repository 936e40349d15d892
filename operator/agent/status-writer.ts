import { setTimeout as sleep } from 'node:timers/promises';
import { AGENT_FIELD_MANAGER, API_VERSION, paths } from '../api/names.ts';
import type { NodeSysctlStateStatus } from '../api/state.ts';
import { messageOf } from '../errors.ts';
import { ApiError, contentTypes, isStatus, type ApiServer } from '../kube/api-server.ts';
import type { Log } from '../telemetry/log.ts';

const MAX_DELAY_MS = 30_000;
/** A status that the API server refuses for good (a policy, a right, an older definition) is tried again this often, or when it changes. */
const REFUSED_MS = 30_000;

/** JSON with sorted keys: the API server sorts them, so what it sends back compares equal. */
const canonical = (status: NodeSysctlStateStatus | undefined): string =>
  JSON.stringify(status ?? {}, (_key, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

/** Writes the status of this node's state: only when it changed, the newest wins, again with back-off until it is there. */
export class StatusWriter {
  readonly #api: ApiServer;
  readonly #node: string;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  #wanted: NodeSysctlStateStatus | undefined;
  #written = '';
  #writing = false;
  #changed: AbortController | undefined;

  constructor(api: ApiServer, node: string, log: Log, signal: AbortSignal) {
    this.#api = api;
    this.#node = node;
    this.#log = log;
    this.#signal = signal;
  }

  /** What was last written or is about to be. */
  get last(): NodeSysctlStateStatus | undefined {
    return this.#wanted;
  }

  /** The status as the watch showed it: a restarted agent writes nothing when all is as it was. */
  saw(status: NodeSysctlStateStatus | undefined): void {
    this.#written = canonical(status);
  }

  write(status: NodeSysctlStateStatus): void {
    if (this.#changed && canonical(status) !== canonical(this.#wanted)) this.#changed.abort();
    this.#wanted = status;
    if (!this.#writing) void this.#run();
  }

  async #run(): Promise<void> {
    this.#writing = true;
    let failures = 0;
    while (this.#wanted && !this.#signal.aborted) {
      const status = this.#wanted;
      const text = canonical(status);
      if (text === this.#written) break;
      try {
        await this.#patch(status);
        this.#written = text;
        failures = 0;
      } catch (error) {
        // The state was deleted: there is nobody to tell.
        if (this.#signal.aborted || isStatus(error, 404)) break;
        this.#log.warn('the status was not written', { error: messageOf(error) });
        const cap = Math.min(200 * 2 ** failures++, MAX_DELAY_MS);
        const jitter = cap / 2 + Math.random() * (cap / 2);
        const refused = error instanceof ApiError && error.terminal;
        const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
        await this.#wait(refused ? REFUSED_MS + jitter : asked + jitter, refused);
      }
    }
    this.#writing = false;
  }

  /** `unlessNew`: ends early when another status is to be written. */
  async #wait(ms: number, unlessNew: boolean): Promise<void> {
    const changed = new AbortController();
    if (unlessNew) this.#changed = changed;
    const signal = AbortSignal.any([this.#signal, changed.signal]);
    await sleep(ms, undefined, { signal }).catch(() => {});
    this.#changed = undefined;
  }

  async #patch(status: NodeSysctlStateStatus): Promise<void> {
    await this.#api.request({
      method: 'PATCH',
      path: `${paths.states}/${this.#node}/status`,
      query: { fieldManager: AGENT_FIELD_MANAGER, force: 'true' },
      contentType: contentTypes.apply,
      accept: contentTypes.metadata,
      body: { apiVersion: API_VERSION, kind: 'NodeSysctlState', metadata: { name: this.#node }, status },
      signal: this.#signal,
    });
  }
}
