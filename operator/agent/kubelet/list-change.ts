import type { KubeletStatus } from '../../api/state.ts';
import { messageOf } from '../../errors.ts';
import type { Log } from '../../telemetry/log.ts';
import { changeOf, without, type Change, type PodSysctls } from './change.ts';
import type { Clock } from './clock.ts';
import { applyEdits, undoEdits } from './edits.ts';
import type { KubeletEndpoint } from './endpoint.ts';
import type { HostFiles } from './host-files.ts';
import { settled, type Journal, type KubeletRecord, type PendingChange } from './journal.ts';
import { restartKubelet, type RestartResult } from './restart.ts';
import { afterChange, editsFor, type Situation } from './situation.ts';
import { checkFor, doneStatus, failureMessage } from './status.ts';
import type { ServiceManager } from './systemd.ts';

/** A kubelet that has started hears of its pods within a second, and then takes them in one after the other (HandlePodAdditions). */
const PODS_MS = 10_000;
const PODS_POLL_MS = 250;

export interface ListChangeOptions {
  host: HostFiles;
  journal: Journal;
  services: ServiceManager;
  clock: Clock;
  log: Log;
  startMs: number;
  retryMs: number;
  /** How long after a failure that had another cause than the list, in ms. */
  retrySoonMs: number;
}

interface Live {
  live: string[];
  running: PodSysctls[];
}

interface Plan {
  change: Change;
  pending: PendingChange;
}

/** Brings the running kubelet to a list. Every write is in the journal before, and verified or undone after. */
export class ListChange {
  readonly #o: ListChangeOptions;

  constructor(options: ListChangeOptions) {
    this.#o = options;
  }

  async bring(
    situation: Situation,
    endpoint: KubeletEndpoint,
    wanted: readonly string[],
  ): Promise<KubeletStatus> {
    const { record } = situation;
    const configPath = record.path;
    const now = await this.#ask(endpoint, without(record.ours, wanted).length > 0);
    if (typeof now === 'string') return { state: 'Pending', message: now, configPath };
    const plan = planOf(situation, now, wanted);
    const failed = plan.change.restart ? this.#failedBefore(record, plan.change) : undefined;
    if (!failed) return this.#carryOut(situation, endpoint, plan, now.live, wanted);
    // The kubelet does not take the new list: what is live of the old one stays in the file.
    const old = planOf(situation, now, without(record.ours, without(record.ours, now.live)));
    if (this.#write(situation, old, now.live) === undefined)
      this.#settle({ ...afterChange(record, old.pending), failed });
    return { state: 'Failed', allowedUnsafeSysctls: now.live, configPath, message: failed.message };
  }

  /** What the running kubelet says of itself, or why it says nothing. */
  async #ask(endpoint: KubeletEndpoint, mayLeave: boolean): Promise<Live | string> {
    try {
      return { live: await endpoint.list(), running: mayLeave ? await this.#pods(endpoint) : [] };
    } catch (error) {
      return `the kubelet does not tell its configuration; nothing was changed: ${messageOf(error)}`;
    }
  }

  /**
   * The running pods, once the kubelet knows of all of them: twice the same. Without one of them its entry would leave the list, and the
   * kubelet would end it.
   */
  async #pods(endpoint: KubeletEndpoint): Promise<PodSysctls[]> {
    const { clock } = this.#o;
    const deadline = clock.monotonic() + PODS_MS;
    let before: string | undefined;
    for (;;) {
      const pods = await endpoint.pods();
      const seen = pods && JSON.stringify(pods);
      if (pods && seen === before) return pods;
      if (clock.monotonic() >= deadline) throw new Error('it has not heard of all its pods yet');
      before = seen;
      await clock.sleep(PODS_POLL_MS);
    }
  }

  async #carryOut(
    situation: Situation,
    endpoint: KubeletEndpoint,
    plan: Plan,
    live: string[],
    wanted: readonly string[],
  ): Promise<KubeletStatus> {
    const { record, base } = situation;
    const { change, pending } = plan;
    const refused = this.#write(situation, plan, live);
    if (refused) return refused;
    const after = afterChange(record, pending);
    if (!change.restart) {
      this.#settle(after);
      return doneStatus(after, change, live, wanted);
    }
    const list = change.list ?? base;
    this.#o.log.info(`${record.unit} is restarted`, { list, was: live });
    const result = await this.#restart(record.unit, endpoint, checkFor(wanted, without(live, list)));
    if (result.state === 'down') return this.#rollBack(record, endpoint, plan, result.message);
    this.#settle(after);
    if (result.state === 'up') return doneStatus(after, change, result.live, wanted);
    const message = `the kubelet runs with the new file, but does not tell its configuration: ${result.message}`;
    return { state: 'Pending', message, configPath: record.path };
  }

  /** Journals the change and writes its files; the status where they cannot be written, and nothing was changed. */
  #write({ record }: Situation, { change, pending }: Plan, live: string[]): KubeletStatus | undefined {
    const { host, journal } = this.#o;
    const same = pending.edits.every(({ before, after }) => before?.text === after);
    if (same && !change.restart) return undefined;
    journal.write({ ...record, change: pending });
    try {
      applyEdits(host, pending.edits);
      return undefined;
    } catch (error) {
      undoEdits(host, pending, record.ours);
      this.#settle(record);
      const message = `${record.path} cannot be written: ${messageOf(error)}; set allowedUnsafeSysctls in the kubelet's configuration by hand`;
      // With something of ours in it the node is not given back: that is no state to leave it in.
      const state = record.ours.length > 0 ? 'Failed' : 'Unsupported';
      return { state, allowedUnsafeSysctls: live, message };
    }
  }

  async #rollBack(
    record: KubeletRecord,
    endpoint: KubeletEndpoint,
    { change, pending }: Plan,
    why: string,
  ): Promise<KubeletStatus> {
    const { host, log, clock } = this.#o;
    const { path, unit, ours } = record;
    undoEdits(host, pending, ours);
    log.warn(`the kubelet did not come up: ${why}; its old configuration is back`, { unit });
    const result = await this.#restart(unit, endpoint, () => undefined);
    const now =
      result.state === 'down' ? `is back, but it does not run: ${result.message}` : 'is back and it runs';
    const message = failureMessage(change, ours, why, now);
    const at = new Date(clock.now()).toISOString();
    const oldToo = result.state === 'down' && { oldToo: true as const };
    this.#settle({ ...record, failed: { list: change.list ?? [], at, message, ...oldToo } });
    return {
      state: 'Failed',
      configPath: path,
      message,
      ...(result.state === 'up' && { allowedUnsafeSysctls: result.live }),
    };
  }

  #restart(
    unit: string,
    endpoint: KubeletEndpoint,
    check: (live: string[]) => string | undefined,
  ): Promise<RestartResult> {
    const { services, clock, startMs: timeoutMs } = this.#o;
    return restartKubelet({ services, unit, endpoint, check, timeoutMs, clock });
  }

  /** The same list failed a short time ago. */
  #failedBefore({ failed }: KubeletRecord, { list }: Change): KubeletRecord['failed'] {
    if (!failed || JSON.stringify(failed.list) !== JSON.stringify(list ?? [])) return undefined;
    const age = this.#o.clock.now() - Date.parse(failed.at);
    const wait = failed.oldToo ? this.#o.retrySoonMs : this.#o.retryMs;
    // A node's clock may have been set back since.
    return age >= 0 && age < wait ? failed : undefined;
  }

  #settle(record: KubeletRecord): void {
    const remembered = settled(record);
    if (remembered) this.#o.journal.write(remembered);
    else this.#o.journal.remove();
  }
}

function planOf(situation: Situation, { live, running }: Live, wanted: readonly string[]): Plan {
  const { base, record } = situation;
  const change = changeOf({ wanted, base, live, ours: record.ours, running });
  return { change, pending: { edits: editsFor(situation, change), ours: change.ours } };
}
