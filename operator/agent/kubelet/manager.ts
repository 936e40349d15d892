import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeletStatus } from '../../api/state.ts';
import { messageOf } from '../../errors.ts';
import { checkPattern } from '../../sysctl/kubelet-patterns.ts';
import type { Log } from '../../telemetry/log.ts';
import { changeOf, missing, without, type Change } from './change.ts';
import { merge, parseConfig, renderDropIn, withList } from './config.ts';
import { kubeletEndpoint, type EndpointOptions, type KubeletEndpoint } from './endpoint.ts';
import { HostFiles, type HostFile } from './host-files.ts';
import { Journal, type KubeletRecord } from './journal.ts';
import { locate, type FoundKubelet, type NotFound } from './locate.ts';
import { isAlive } from './process.ts';
import { restartKubelet, type RestartResult } from './restart.ts';
import { systemd, type ServiceManager } from './systemd.ts';
import type { KubeletManager } from './types.ts';

export interface KubeletManagerOptions {
  /** The node's root file system as this process sees it. */
  hostRoot: string;
  /** Where the record lies: on the node. */
  stateDir: string;
  tokenFile: string;
  log: Log;
  proc?: string;
  services?: ServiceManager;
  connect?: (options: EndpointOptions) => KubeletEndpoint;
  /** How long a kubelet may take to come up, in ms. */
  startMs?: number;
  /** How long a list that failed is not tried again, in ms. */
  retryMs?: number;
}

const START_MS = 60_000;
const RETRY_MS = 3_600_000;
/** How long a kubelet that may just be starting is waited for after the agent's own start. */
const RECOVER_MS = 20_000;
/** An Unsupported kubelet is looked at again this often. */
const UNSUPPORTED_MS = 60_000;

/** Owner and mode of a drop-in of ours: like every file of the kubelet's configuration, for root alone to write. */
const OURS: Omit<HostFile, 'text'> = { mode: 0o644, uid: 0, gid: 0 };

interface Situation {
  found: FoundKubelet;
  endpoint: KubeletEndpoint;
  record: KubeletRecord | undefined;
  current: HostFile | undefined;
  base: string[];
}

const quoted = (list: readonly string[]): string => list.map((entry) => `"${entry}"`).join(', ');

/** Adds to, and takes from, the list of the node's kubelet. Every write is in the record before, and verified or undone after. */
class NodeKubelet implements KubeletManager {
  readonly #host: HostFiles;
  readonly #journal: Journal;
  readonly #services: ServiceManager;
  readonly #connect: (options: EndpointOptions) => KubeletEndpoint;
  readonly #proc: string;
  readonly #o: KubeletManagerOptions;
  #wanted: readonly string[] = [];
  #status: KubeletStatus = { state: 'Unmanaged' };
  /** What was looked at for the status: while it is the same, so is the status. */
  #seen: { found: FoundKubelet; fingerprint: string } | undefined;
  #lookedAt = 0;

  constructor(options: KubeletManagerOptions) {
    this.#o = options;
    this.#host = new HostFiles(options.hostRoot);
    this.#journal = new Journal(options.stateDir);
    this.#services = options.services ?? systemd;
    this.#connect = options.connect ?? kubeletEndpoint;
    this.#proc = options.proc ?? '/proc';
  }

  async recover(): Promise<void> {
    const record = this.#journal.read();
    if (!record?.change) return;
    const { before, after, ours } = record.change;
    const { change: _, ...settled } = record;
    const deadline = performance.now() + RECOVER_MS;
    let live: string[] | undefined;
    let healthy = false;
    while (!healthy && performance.now() < deadline) {
      const found = await this.#locate();
      if ('state' in found && found.state === 'Unsupported') break;
      if (!('state' in found)) {
        const endpoint = this.#connect(found.endpoint);
        healthy = await endpoint.healthy();
        if (healthy) live = await endpoint.list().catch(() => undefined);
        endpoint.close();
      }
      if (!healthy) await sleep(500);
    }
    const done =
      healthy &&
      live &&
      missing(ours, live).length === 0 &&
      without(record.ours, ours).every((gone) => missing([gone], live).length === 1);
    if (done && this.#host.read(record.path)?.text === after) {
      this.#settle({ ...settled, ...(after === undefined ? {} : { written: after }), ours });
      this.#o.log.info('a change of the kubelet that was cut short turned out to be done');
      return;
    }
    this.#put(record.path, before);
    if (!healthy) {
      this.#o.log.warn(
        'the kubelet was found down in the middle of a change: its old configuration is back',
        { unit: record.unit },
      );
      await this.#services.restart(record.unit);
    }
    // What the running kubelet has of both lists is found in its configz.
    this.#settle({ ...settled, ours: [...record.ours, ...without(ours, record.ours)] });
  }

  async reconcile(wanted: readonly string[]): Promise<KubeletStatus> {
    this.#wanted = wanted;
    this.#lookedAt = performance.now();
    this.#seen = undefined;
    this.#status = await this.#bring(wanted).catch((error: unknown): KubeletStatus => {
      this.#o.log.error(`the kubelet's configuration: ${messageOf(error)}`, { error });
      return { state: 'Failed', message: messageOf(error) };
    });
    return this.#status;
  }

  async refresh(): Promise<KubeletStatus> {
    const { state } = this.#status;
    const age = performance.now() - this.#lookedAt;
    if (state === 'Pending' || state === 'Held') return this.reconcile(this.#wanted);
    if (!this.#seen) return age > UNSUPPORTED_MS ? this.reconcile(this.#wanted) : this.#status;
    const { found, fingerprint } = this.#seen;
    const same = isAlive(this.#proc, found.process) && this.#host.fingerprint(found.watched) === fingerprint;
    const again = !same || (state === 'Failed' && age > this.#retryMs);
    return again ? this.reconcile(this.#wanted) : this.#status;
  }

  get #retryMs(): number {
    return this.#o.retryMs ?? RETRY_MS;
  }

  #locate(): Promise<FoundKubelet | NotFound> {
    return locate({
      proc: this.#proc,
      host: this.#host,
      services: this.#services,
      tokenFile: this.#o.tokenFile,
    });
  }

  async #bring(wanted: readonly string[]): Promise<KubeletStatus> {
    const bad = wanted.map(checkPattern).find((problem) => problem !== undefined);
    if (bad !== undefined) return { state: 'Failed', message: `${bad}; nothing was changed` };
    let record = this.#journal.read();
    if (!record && wanted.length === 0) return { state: 'Unmanaged' };
    const found = await this.#locate();
    if ('state' in found) return { ...found, ...(record && { configPath: record.path }) };
    if (record && (record.path !== found.path || record.kind !== found.kind))
      record = this.#moveTo(found, record);
    const endpoint = this.#connect(found.endpoint);
    try {
      return await this.#change(this.#situation(found, endpoint, record), wanted);
    } finally {
      endpoint.close();
      this.#see(found);
    }
  }

  /** The fingerprint after our own writes: a file of ours that came is watched as well. */
  #see(found: FoundKubelet): void {
    const watched = [...new Set([...found.watched, found.path])];
    this.#seen = { found: { ...found, watched }, fingerprint: this.#host.fingerprint(watched) };
  }

  /** The kubelet reads another file now: ours comes out of the old one. It still runs with the list, so nothing is restarted. */
  #moveTo(found: FoundKubelet, record: KubeletRecord): KubeletRecord {
    this.#put(record.path, this.#withoutOurs(record, this.#host.read(record.path)));
    const moved: KubeletRecord = {
      version: 1,
      path: found.path,
      kind: found.kind,
      unit: found.unit,
      ours: record.ours,
    };
    this.#journal.write(moved);
    return moved;
  }

  /** The file without our part: as it was when nobody has changed it since; else without our entries. */
  #withoutOurs(record: KubeletRecord, current: HostFile | undefined): HostFile | undefined {
    if (record.kind === 'dropIn' || !current) return record.original;
    if (current.text === record.written) return record.original;
    const list = parseConfig({ path: record.path, text: current.text }).allowedUnsafeSysctls ?? [];
    return {
      ...current,
      text: withList({ path: record.path, text: current.text }, without(list, record.ours)),
    };
  }

  #situation(found: FoundKubelet, endpoint: KubeletEndpoint, record: KubeletRecord | undefined): Situation {
    const current = this.#host.read(found.path);
    const files = [...found.files];
    if (found.kind === 'main' && record && current) {
      const clean = this.#withoutOurs(record, current);
      files[0] = { path: found.path, text: clean?.text ?? current.text };
    }
    const base = merge(files).allowedUnsafeSysctls ?? [];
    if (record || found.kind === 'main' || !current) return { found, endpoint, record, current, base };
    // Our drop-in without a record of it: the agent's folder was lost.
    const list = parseConfig({ path: found.path, text: current.text }).allowedUnsafeSysctls ?? [];
    const adopted: KubeletRecord = {
      version: 1,
      path: found.path,
      kind: 'dropIn',
      unit: found.unit,
      written: current.text,
      ours: without(list, base),
    };
    return { found, endpoint, record: adopted, current, base };
  }

  async #change(situation: Situation, wanted: readonly string[]): Promise<KubeletStatus> {
    const { found, endpoint, record, current, base } = situation;
    const configPath = found.path;
    let live: string[];
    let change: Change;
    try {
      live = await endpoint.list();
      const ours = record?.ours ?? [];
      const mayLeave = without(ours, wanted).length > 0;
      change = changeOf({ wanted, base, live, ours, running: mayLeave ? await endpoint.pods() : [] });
    } catch (error) {
      const message = `the kubelet does not tell its configuration; nothing was changed: ${messageOf(error)}`;
      return { state: 'Pending', message, configPath };
    }
    const after = this.#textFor(situation, change);
    if (change.restart && this.#hasFailed(record, change))
      return {
        state: 'Failed',
        allowedUnsafeSysctls: live,
        configPath,
        message: record?.failed?.message ?? '',
      };
    const original = found.kind === 'main' ? this.#originalOf(situation) : undefined;
    const next: KubeletRecord = {
      version: 1,
      path: found.path,
      kind: found.kind,
      unit: found.unit,
      ...(original && { original }),
      ...(record?.written !== undefined && { written: record.written }),
      ours: record?.ours ?? [],
    };
    if (current?.text !== after) {
      this.#journal.write({
        ...next,
        change: {
          ...(current && { before: current }),
          ...(after !== undefined && { after }),
          ours: change.ours,
        },
      });
      try {
        this.#put(found.path, after === undefined ? undefined : { ...(current ?? OURS), text: after });
      } catch (error) {
        return this.#unwritable(next, live, error);
      }
    }
    const settled: KubeletRecord = { ...next, ours: change.ours };
    if (after !== undefined) settled.written = after;
    if (!change.restart) return this.#settled(settled, change, live, wanted);
    this.#o.log.info(`${found.unit} is restarted`, { list: change.list ?? base, was: live });
    const gone = without(live, change.list ?? base);
    const check = (list: string[]): string | undefined => {
      const lacks = missing(wanted, list);
      if (lacks.length > 0) return `its configz lacks ${quoted(lacks)}`;
      const still = gone.filter((entry) => missing([entry], list).length === 0);
      return still.length > 0 ? `its configz still has ${quoted(still)}` : undefined;
    };
    const result = await this.#restart(found.unit, endpoint, check);
    if (result.state === 'up') return this.#settled(settled, change, result.live, wanted);
    if (result.state === 'unread') {
      this.#settle(settled);
      const message = `the kubelet runs with the new file, but does not tell its configuration: ${result.message}`;
      return { state: 'Pending', message, configPath };
    }
    return this.#rollBack(situation, next, change, result.message);
  }

  #restart(
    unit: string,
    endpoint: KubeletEndpoint,
    check: (live: string[]) => string | undefined,
  ): Promise<RestartResult> {
    return restartKubelet({
      services: this.#services,
      unit,
      endpoint,
      check,
      timeoutMs: this.#o.startMs ?? START_MS,
    });
  }

  async #rollBack(
    { found, endpoint, current }: Situation,
    next: KubeletRecord,
    change: Change,
    why: string,
  ): Promise<KubeletStatus> {
    this.#put(found.path, current);
    this.#o.log.warn(`the kubelet did not come up: ${why}; its old configuration is back`, {
      unit: found.unit,
    });
    const result = await this.#restart(found.unit, endpoint, () => undefined);
    const added = without(change.ours, next.ours);
    const what = added.length > 0 ? `with ${quoted(added)} allowed` : 'with the shorter list';
    const now =
      result.state === 'up' ? 'is back and it runs' : `is back, but it does not run: ${result.message}`;
    const message = `the kubelet did not come up ${what}: ${why}; the old configuration ${now}`;
    this.#journal.write({
      ...next,
      failed: { list: change.list ?? [], at: new Date().toISOString(), message },
    });
    return {
      state: 'Failed',
      configPath: found.path,
      message,
      ...(result.state === 'up' && { allowedUnsafeSysctls: result.live }),
    };
  }

  /** The same list failed within the last hour. */
  #hasFailed(record: KubeletRecord | undefined, change: Change): boolean {
    if (!record?.failed) return false;
    const recent = Date.now() - Date.parse(record.failed.at) < this.#retryMs;
    return recent && JSON.stringify(record.failed.list) === JSON.stringify(change.list ?? []);
  }

  #originalOf({ record, current, found }: Situation): HostFile | undefined {
    const { original, written } = record ?? {};
    if (!record || !original) return current;
    // Edited by somebody else since: that is the file to give back, without our entries.
    return current && current.text !== written && current.text !== original.text
      ? this.#withoutOurs({ ...record, path: found.path }, current)
      : original;
  }

  #textFor(situation: Situation, change: Change): string | undefined {
    const { found, current } = situation;
    if (found.kind === 'dropIn') return change.list && renderDropIn(change.list);
    const clean = this.#originalOf(situation)?.text ?? current?.text ?? '';
    return change.list ? withList({ path: found.path, text: clean }, change.list) : clean;
  }

  #put(path: string, file: HostFile | undefined): void {
    if (file) this.#host.write(path, file.text, file);
    else this.#host.remove(path);
  }

  #unwritable(record: KubeletRecord, live: string[], error: unknown): KubeletStatus {
    this.#settle(record);
    const message = `${record.path} cannot be written: ${messageOf(error)}; set allowedUnsafeSysctls in the kubelet's configuration by hand`;
    return { state: 'Unsupported', allowedUnsafeSysctls: live, message };
  }

  /** The record when no change is under way; none where nothing of ours is left. */
  #settle(record: KubeletRecord): void {
    if (record.ours.length > 0 || record.failed) this.#journal.write(record);
    else this.#journal.remove();
  }

  #settled(
    record: KubeletRecord,
    { holds }: Change,
    live: string[],
    wanted: readonly string[],
  ): KubeletStatus {
    this.#settle(record);
    const managed = record.ours.length > 0;
    const status: KubeletStatus = {
      state: holds.length > 0 ? 'Held' : managed || wanted.length > 0 ? 'Synced' : 'Unmanaged',
      allowedUnsafeSysctls: live,
      ...(managed && { configPath: record.path }),
    };
    if (holds.length === 0) return status;
    const lines = holds.map(({ entry, pods }) => {
      const more = pods.length > 3 ? ` and ${pods.length - 3} more` : '';
      return `"${entry}" for ${pods.slice(0, 3).join(', ')}${more}`;
    });
    return { ...status, message: `kept as long as running pods use it: ${lines.join('; ')}` };
  }
}

/** The kubelet of this node. Nothing is looked at before the first call. */
export const createKubeletManager = (options: KubeletManagerOptions): KubeletManager =>
  new NodeKubelet(options);
