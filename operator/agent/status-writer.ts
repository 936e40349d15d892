import { setTimeout as sleep } from 'node:timers/promises';
import { AGENT_FIELD_MANAGER, API_VERSION, paths } from '../api/names.ts';
import type { NodeSysctlStateStatus } from '../api/state.ts';
import { messageOf } from '../errors.ts';
import { ApiError, contentTypes, isStatus, type ApiServer } from '../kube/api-server.ts';
import type { Log } from '../telemetry/log.ts';

const MAX_DELAY_MS = 30_000;

/** Writes the status of this node's state: only when it changed, the newest wins, again with back-off until it is there. */
export class StatusWriter {
  readonly #api: ApiServer;
  readonly #node: string;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  #wanted: NodeSysctlStateStatus | undefined;
  #written = '';
  #running: Promise<void> | undefined;

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

  write(status: NodeSysctlStateStatus): void {
    this.#wanted = status;
    if (JSON.stringify(status) !== this.#written) this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  /** The object is a new one: what was written to the old one is gone. */
  forget(): void {
    this.#written = '';
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (this.#wanted && !this.#signal.aborted) {
      const status = this.#wanted;
      const text = JSON.stringify(status);
      if (text === this.#written) return;
      try {
        await this.#patch(status);
        this.#written = text;
        failures = 0;
      } catch (error) {
        if (this.#signal.aborted || isStatus(error, 404)) return;
        this.#log.warn('the status was not written', { error: messageOf(error) });
        const cap = Math.min(200 * 2 ** failures++, MAX_DELAY_MS);
        const wait = error instanceof ApiError ? error.retryAfterMs : undefined;
        await sleep(wait ?? cap / 2 + Math.random() * (cap / 2), undefined, { signal: this.#signal }).catch(() => {});
      }
    }
  }

  async #patch(status: NodeSysctlStateStatus): Promise<void> {
    await this.#api.request({
      method: 'PATCH',
      path: `${paths.states}/${this.#node}/status`,
      query: { fieldManager: AGENT_FIELD_MANAGER, force: 'true' },
      contentType: contentTypes.apply,
      body: { apiVersion: API_VERSION, kind: 'NodeSysctlState', metadata: { name: this.#node }, status },
      signal: this.#signal,
    });
  }
}
