import type { KubeletStatus } from '../api/state.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { KubeletManager } from './kubelet/types.ts';
import type { NodeEvents } from './node-events.ts';

export interface KubeletLaneOptions {
  /** Loads the kubelet part. */
  load: () => Promise<KubeletManager>;
  /** Something of ours may be in the kubelet's configuration: there is a record of it on the node. */
  touched: () => boolean;
  events: NodeEvents;
  log: Log;
}

/** The kubelet's list of the revision: loads and asks the kubelet part only where there is something to do. */
export class KubeletLane {
  readonly #o: KubeletLaneOptions;
  #manager: KubeletManager | undefined;
  #wanted: readonly string[] = [];
  #status: KubeletStatus | undefined;
  #told: string | undefined;

  constructor(options: KubeletLaneOptions) {
    this.#o = options;
  }

  /** As it was found last; undefined before the first revision. */
  get status(): KubeletStatus | undefined {
    return this.#status;
  }

  /** Brings the kubelet to the list. Never throws: a failure is a status. */
  async configure(wanted: readonly string[]): Promise<KubeletStatus> {
    this.#wanted = wanted;
    const before = this.#status;
    const status = await this.#try(async (): Promise<KubeletStatus> => {
      if (!this.#manager && wanted.length === 0 && !this.#o.touched()) return { state: 'Unmanaged' };
      return (await this.#loaded()).reconcile(wanted);
    });
    this.#tell(before, status);
    this.#status = status;
    return status;
  }

  /** Looks again where something of ours is in the kubelet, or where the last try ended early. */
  async refresh(): Promise<void> {
    if (!this.#status) return this.#recoverEarly();
    if (this.#status.state === 'Unmanaged') return;
    if (!this.#manager) return void (await this.configure(this.#wanted));
    const manager = this.#manager;
    const before = this.#status;
    this.#status = await this.#try(() => manager.refresh());
    this.#tell(before, this.#status);
  }

  /** No revision has come yet, perhaps because the API server is away: what a killed agent left half-done does not wait for it. */
  async #recoverEarly(): Promise<void> {
    if (this.#manager) return;
    try {
      if (this.#o.touched()) await this.#loaded();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #loaded(): Promise<KubeletManager> {
    if (this.#manager) return this.#manager;
    const manager = await this.#o.load();
    await manager.recover();
    this.#manager = manager;
    return manager;
  }

  async #try(work: () => Promise<KubeletStatus>): Promise<KubeletStatus> {
    try {
      const status = await work();
      this.#told = undefined;
      return status;
    } catch (error) {
      return { state: 'Failed', message: this.#failed(error) };
    }
  }

  /** Tried again at every sweep, told once. */
  #failed(error: unknown): string {
    const message = messageOf(error);
    if (message !== this.#told) this.#o.log.error(`the kubelet was not configured: ${message}`, { error });
    this.#told = message;
    return message;
  }

  #tell(
    before: KubeletStatus | undefined,
    { state, message, allowedUnsafeSysctls: list }: KubeletStatus,
  ): void {
    const same = before?.state === state && before.message === message;
    if (same && JSON.stringify(before.allowedUnsafeSysctls) === JSON.stringify(list)) return;
    const tell = (type: 'Normal' | 'Warning', reason: string, note: string): void =>
      this.#o.events.tell(type, reason, 'ConfigureKubelet', note);
    if (state === 'Failed' || state === 'Unsupported') tell('Warning', `Kubelet${state}`, message ?? state);
    else if (state === 'Held') tell('Normal', 'KubeletHeld', message ?? 'entries are kept for running pods');
    else if (state === 'Synced')
      tell('Normal', 'KubeletConfigured', `the kubelet allows ${list?.join(', ') || 'no unsafe sysctls'}`);
    else if (state === 'Unmanaged' && before)
      tell('Normal', 'KubeletRestored', 'the kubelet has its own list back');
  }
}
