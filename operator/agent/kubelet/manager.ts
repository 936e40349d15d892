import type { KubeletStatus } from '../../api/state.ts';
import { messageOf } from '../../errors.ts';
import { checkPattern } from '../../sysctl/kubelet-patterns.ts';
import type { Log } from '../../telemetry/log.ts';
import { systemClock, type Clock } from './clock.ts';
import { kubeletEndpoint, type EndpointOptions, type KubeletEndpoint } from './endpoint.ts';
import { HostFiles } from './host-files.ts';
import { Journal, settled, type KubeletRecord } from './journal.ts';
import { ListChange } from './list-change.ts';
import { locate, type FoundKubelet, type NotFound } from './locate.ts';
import { isAlive } from './process.ts';
import { recoverChange } from './recovery.ts';
import { situationOf } from './situation.ts';
import { systemd, type ServiceManager } from './systemd.ts';
import type { KubeletManager } from './types.ts';

export interface KubeletManagerOptions {
  /** The node's root file system as this process sees it. */
  hostRoot: string;
  /** Where the record lies: on the node. */
  stateDir: string;
  tokenFile: string;
  /** namespace/name of a pod that is on this node for certain. */
  knownPod?: string;
  log: Log;
  proc?: string;
  host?: HostFiles;
  journal?: Journal;
  services?: ServiceManager;
  connect?: (options: EndpointOptions) => KubeletEndpoint;
  clock?: Clock;
  /** How long a kubelet may take to come up, in ms. */
  startMs?: number;
  /** How long a list that the kubelet refused is not tried again, in ms. */
  retryMs?: number;
}

const START_MS = 60_000;
const RETRY_MS = 3_600_000;
/** After anything else that failed: a full disk, a kubelet that comes up with no list at all. */
const RETRY_SOON_MS = 2 * 60_000;
/** Where no kubelet was found that can be configured, it is looked for again this often. */
const LOOK_MS = 60_000;

/** Adds to, and takes from, the list of the node's kubelet. */
class NodeKubelet implements KubeletManager {
  readonly #host: HostFiles;
  readonly #journal: Journal;
  readonly #services: ServiceManager;
  readonly #connect: (options: EndpointOptions) => KubeletEndpoint;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #proc: string;
  readonly #tokenFile: string;
  readonly #knownPod: string | undefined;
  readonly #change: ListChange;
  #wanted: readonly string[] = [];
  #status: KubeletStatus = { state: 'Unmanaged' };
  /** What was looked at for the status: while it is the same, so is the status. */
  #seen: { found: FoundKubelet; fingerprint: string } | undefined;
  /** The last look ended in an error: nothing is known. */
  #broken = false;
  #lookedAt = 0;

  constructor(options: KubeletManagerOptions) {
    const { services = systemd, clock = systemClock, log, startMs = START_MS, retryMs = RETRY_MS } = options;
    this.#host = options.host ?? new HostFiles(options.hostRoot);
    this.#journal = options.journal ?? new Journal(options.stateDir);
    this.#services = services;
    this.#connect = options.connect ?? kubeletEndpoint;
    this.#clock = clock;
    this.#log = log;
    this.#proc = options.proc ?? '/proc';
    this.#tokenFile = options.tokenFile;
    this.#knownPod = options.knownPod;
    const { host, journal } = { host: this.#host, journal: this.#journal };
    const times = { startMs, retryMs, retrySoonMs: RETRY_SOON_MS };
    this.#change = new ListChange({ host, journal, services, clock, log, ...times });
  }

  async recover(): Promise<void> {
    await this.#recovered();
  }

  async reconcile(wanted: readonly string[]): Promise<KubeletStatus> {
    this.#wanted = wanted;
    this.#seen = undefined;
    return this.#look();
  }

  async refresh(): Promise<KubeletStatus> {
    const held = this.#status.state === 'Held' && this.#isSame();
    if (!held && !this.#isDue()) return this.#status;
    // For an entry that is held only the pods are asked for again.
    if (!held) this.#seen = undefined;
    return this.#look();
  }

  #isDue(): boolean {
    const { state } = this.#status;
    if (this.#broken || state === 'Pending') return true;
    const age = this.#clock.monotonic() - this.#lookedAt;
    if (!this.#seen) return age > LOOK_MS;
    return !this.#isSame() || (age > RETRY_SOON_MS && (state === 'Failed' || state === 'Unsupported'));
  }

  /** The same kubelet with the same files as at the last look. */
  #isSame(): boolean {
    if (!this.#seen) return false;
    const { found, fingerprint } = this.#seen;
    return isAlive(this.#proc, found.process) && this.#host.fingerprint(found.watched) === fingerprint;
  }

  async #look(): Promise<KubeletStatus> {
    this.#lookedAt = this.#clock.monotonic();
    try {
      this.#status = await this.#bring();
      this.#broken = false;
    } catch (error) {
      const message = messageOf(error);
      if (!this.#broken || message !== this.#status.message)
        this.#log.error(`the kubelet's configuration: ${message}`, { error });
      this.#status = { state: 'Failed', message };
      this.#broken = true;
      this.#seen = undefined;
    }
    return this.#status;
  }

  async #bring(): Promise<KubeletStatus> {
    const wanted = this.#wanted;
    const bad = wanted.map(checkPattern).find((problem) => problem !== undefined);
    if (bad !== undefined) return { state: 'Failed', message: `${bad}; nothing was changed` };
    const record = await this.#recovered();
    if (!record && wanted.length === 0) return { state: 'Unmanaged' };
    const found = this.#seen?.found ?? (await this.#locate());
    if ('state' in found) {
      await this.#startAgain(record);
      return { ...found, ...(record && { configPath: record.path }) };
    }
    // What changes from here on, by us too, is looked at again.
    this.#seen ??= { found, fingerprint: this.#host.fingerprint(found.watched) };
    const endpoint = this.#connect(found.endpoint);
    try {
      return await this.#change.bring(situationOf(found, record, this.#host), endpoint, wanted);
    } finally {
      endpoint.close();
    }
  }

  /** A kubelet that our restart left down and that systemd has given up is not left so. */
  async #startAgain(record: KubeletRecord | undefined): Promise<void> {
    if (!record?.failed?.oldToo) return;
    const { unit, failed } = record;
    const age = this.#clock.now() - Date.parse(failed.at);
    if ((age >= 0 && age < RETRY_SOON_MS) || !(await this.#services.show(unit))?.failed) return;
    this.#log.warn(`${unit} has failed since its list was changed: it is started again`, { unit });
    this.#journal.write({ ...record, failed: { ...failed, at: new Date(this.#clock.now()).toISOString() } });
    await this.#services.restart(unit);
  }

  /** The record, after a change that was cut short was finished or undone. */
  async #recovered(): Promise<KubeletRecord | undefined> {
    const record = this.#journal.read();
    if (!record?.change) return record;
    const recovered = settled(
      await recoverChange(record, record.change, {
        host: this.#host,
        services: this.#services,
        connect: this.#connect,
        locate: () => this.#locate(),
        clock: this.#clock,
        log: this.#log,
      }),
    );
    if (recovered) this.#journal.write(recovered);
    else this.#journal.remove();
    return recovered;
  }

  #locate(): Promise<FoundKubelet | NotFound> {
    return locate({
      proc: this.#proc,
      host: this.#host,
      services: this.#services,
      tokenFile: this.#tokenFile,
      ...(this.#knownPod !== undefined && { knownPod: this.#knownPod }),
    });
  }
}

/** The kubelet of this node. Nothing is looked at before the first call. */
export const createKubeletManager = (options: KubeletManagerOptions): KubeletManager =>
  new NodeKubelet(options);
