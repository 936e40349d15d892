import { join } from 'node:path';
import type { Deviation, KubeletStatus, NodeSysctlState } from '../api/state.ts';
import { messageOf, OperatorError } from '../errors.ts';
import type { ApiServer } from '../kube/api-server.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Log } from '../telemetry/log.ts';
import { durableFiles, type DurableFiles } from './durable-file.ts';
import { Enforcer, type Outcome } from './enforcer.ts';
import type { KernelParameters } from './kernel.ts';
import type { KernelTruth } from './kernel-truth.ts';
import { KubeletLane } from './kubelet-lane.ts';
import type { KubeletManager } from './kubelet/types.ts';
import { Ledger } from './ledger.ts';
import { NodeEvents } from './node-events.ts';
import { Revisions, type NamedRevision } from './revisions.ts';
import { nodeStatus, type Stuck } from './status.ts';
import type { StatusWriter } from './status-writer.ts';

export interface AgentOptions {
  api: ApiServer;
  kernel: KernelParameters;
  /** What the kernel has; without it the catalog holds. */
  truth?: KernelTruth;
  files?: DurableFiles;
  /** Loads the kubelet part; called only when a revision needs it or something of ours is in the kubelet. */
  kubelet: () => Promise<KubeletManager>;
  events: Pick<EventRecorder, 'record'>;
  status: StatusWriter;
  log: Log;
  namespace: string;
  /** Folder on the node for the ledger, the kubelet's record and the last revision. */
  stateDir: string;
  signal: AbortSignal;
}

const MAX_RETRY_MS = 30_000;
/**
 * Limits without which a kubelet or its unit does not start ("inotify_init: too many open files", LimitNOFILE above fs.nr_open). A
 * revision raises them before its kubelet is restarted and puts them back after that. None is of a coupled pair.
 */
const NEEDED_TO_START: ReadonlySet<string> = new Set([
  'fs.file-max',
  'fs.inotify.max_queued_events',
  'fs.inotify.max_user_instances',
  'fs.inotify.max_user_watches',
  'fs.nr_open',
  'kernel.pid_max',
  'kernel.threads-max',
]);

/** What went wrong, where the status has a reason for it. */
function stuckBy(error: unknown): Stuck | undefined {
  if (!(error instanceof OperatorError)) return undefined;
  const { code, message } = error;
  return code === 'RevisionMissing' || code === 'LedgerUnreadable' ? { reason: code, message } : undefined;
}

/** Brings one node to the revision that its state names, keeps it there, and says how it stands. */
export class NodeAgent {
  readonly #o: AgentOptions;
  readonly #files: DurableFiles;
  readonly #revisions: Revisions;
  readonly #events: NodeEvents;
  readonly #kubelet: KubeletLane;
  #enforcer: Enforcer | undefined;
  #state: NodeSysctlState | undefined;
  #applied: NamedRevision | undefined;
  #outcome: Outcome | undefined;
  /** The revision of which everything was tried, and the generation of the state that named it. */
  #observed: { revision: string; generation: number } | undefined;
  #stuck: Stuck | undefined;
  #withheld: Deviation[] = [];
  #working = false;
  #dirty = false;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(options: AgentOptions) {
    const { api, namespace, stateDir, log, files = durableFiles } = options;
    this.#o = options;
    this.#files = files;
    this.#revisions = new Revisions(api, namespace, stateDir, files);
    this.#events = new NodeEvents(options.events, log);
    const touched = (): boolean => files.read(join(stateDir, 'kubelet.json')) !== undefined;
    this.#kubelet = new KubeletLane({ load: options.kubelet, touched, events: this.#events, log });
  }

  /** The state came, changed, or (undefined) went. A state that is gone asks for nothing. */
  stateChanged(state: NodeSysctlState | undefined): void {
    this.#state = state;
    this.#o.status.saw(state?.status);
    if (state) this.#events.regard(state);
    this.#wake();
  }

  /** The API server does not answer: goes on with what was applied last. Never throws. */
  resume(): void {
    if (this.#applied || !this.#open()) return;
    const last = this.#revisions.last();
    if (!last) return;
    this.#o.log.info('going on with the last revision', { revision: last.name });
    try {
      this.#outcome = this.#enforcer?.apply(last);
      this.#applied = last;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Reads every value again. Never throws. */
  sweep(): void {
    if (!this.#enforcer) return this.#wake();
    let news = true;
    try {
      const outcome = this.#enforcer.sweep();
      if (!outcome) return;
      news = outcome !== this.#outcome;
      this.#outcome = outcome;
      this.#events.corrected(outcome.corrected);
      this.#events.deviations(outcome.deviations, this.#applied?.data);
      if (this.#stuck?.reason === 'LedgerUnreadable') this.#wake();
    } catch (error) {
      this.#failed(error);
    }
    // While a revision is on its way (a kubelet restarts), the status stays that of the one before.
    if (this.#working) return;
    if (news) this.#publish();
    this.#run(async () => {
      const changed = await this.#o.truth?.look();
      const applied = this.#applied;
      const before = this.#kubelet.status;
      if (changed && applied && applied.name === this.#observed?.revision)
        await this.#configureKubelet(applied);
      else await this.#kubelet.refresh();
      if (news || changed || JSON.stringify(this.#kubelet.status) !== JSON.stringify(before)) this.#publish();
    });
  }

  #wake(): void {
    this.#dirty = true;
    if (!this.#working) this.#run(() => this.#converge());
  }

  /** One thing at a time; what was asked for meanwhile is done afterwards. */
  #run(work: () => Promise<void>): void {
    this.#working = true;
    this.#dirty = false;
    void work()
      .then(
        () => (this.#failures = 0),
        (error: unknown) => {
          this.#failed(error);
          this.#retryLater();
        },
      )
      .finally(() => {
        this.#working = false;
        if (this.#dirty && !this.#o.signal.aborted) this.#wake();
      });
  }

  async #converge(): Promise<void> {
    const state = this.#state;
    if (!state || !this.#open()) return this.#publish();
    const { revision: wanted } = state.spec;
    if (this.#observed?.revision !== wanted) await this.#goTo(wanted);
    this.#observed = { revision: wanted, generation: state.metadata.generation ?? 0 };
    this.#stuck = undefined;
    this.#publish();
  }

  async #goTo(wanted: string): Promise<void> {
    const revision = await this.#fetch(wanted);
    this.#outcome = this.#enforcer?.apply(revision, NEEDED_TO_START);
    this.#applied = revision;
    this.#events.corrected(this.#outcome?.corrected ?? []);
    this.#remember(revision);
    await this.#o.truth?.look();
    const kubelet = await this.#configureKubelet(revision);
    this.#outcome = this.#enforcer?.finish() ?? this.#outcome;
    this.#o.log.info('revision applied', {
      revision: wanted,
      ...this.#outcome?.counts,
      kubelet: kubelet.state,
    });
    this.#events.deviations(this.#outcome?.deviations ?? [], revision.data);
  }

  async #configureKubelet({ data }: NamedRevision): Promise<KubeletStatus> {
    const wanted = data.kubelet.allowedUnsafeSysctls;
    const { patterns, withheld } = this.#o.truth?.allowed(wanted) ?? { patterns: wanted, withheld: [] };
    this.#withheld = withheld;
    return this.#kubelet.configure(patterns);
  }

  async #fetch(wanted: string): Promise<NamedRevision> {
    if (this.#applied?.name === wanted) return this.#applied;
    try {
      return await this.#revisions.fetch(wanted, this.#o.signal);
    } catch (error) {
      this.resume();
      throw error;
    }
  }

  #remember(revision: NamedRevision): void {
    try {
      this.#revisions.remember(revision);
    } catch (error) {
      this.#o.log.warn('the revision is not on disk: it cannot be resumed without the API server', { error });
    }
  }

  /** Opens the ledger; false while it cannot be read: then nothing is changed. */
  #open(): boolean {
    if (this.#enforcer) return true;
    try {
      const { kernel, stateDir } = this.#o;
      this.#enforcer = new Enforcer(
        kernel,
        Ledger.open(join(stateDir, 'ledger.json'), kernel.bootID(), this.#files),
      );
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  #failed(error: unknown): void {
    if (this.#o.signal.aborted) return;
    const stuck = stuckBy(error);
    const told = stuck !== undefined && stuck.message === this.#stuck?.message;
    if (!told) this.#o.log.warn(`not as wanted yet: ${messageOf(error)}`, { error });
    if (!stuck) return;
    this.#stuck = stuck;
    this.#publish();
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    const cap = Math.min(250 * 2 ** this.#failures++, MAX_RETRY_MS);
    this.#retry = setTimeout(() => this.#wake(), cap / 2 + Math.random() * (cap / 2)).unref();
  }

  /** Says how the node stands; nothing before there is something to say. */
  #publish(): void {
    const state = this.#state;
    if (!state || (!this.#stuck && this.#applied?.name !== this.#observed?.revision)) return;
    if (!this.#stuck && !this.#observed) return;
    const { kernel, truth, status } = this.#o;
    const before = state.status;
    status.write(
      nodeStatus({
        observedRevision: this.#observed?.revision ?? before?.observedRevision,
        data: this.#applied?.data,
        outcome: this.#outcome,
        kubelet: this.#kubelet.status ?? before?.kubelet,
        // Of another kernel it says nothing.
        kernel: truth?.status ?? (before?.kernelRelease === kernel.release() ? before.kernel : undefined),
        withheld: this.#withheld,
        originals: this.#enforcer?.originals ?? before?.originals ?? {},
        stuck: this.#stuck,
        bootID: kernel.bootID(),
        kernelRelease: kernel.release(),
        generation: this.#stuck ? (state.metadata.generation ?? 0) : (this.#observed?.generation ?? 0),
        conditions: status.last?.conditions ?? before?.conditions,
        now: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      }),
    );
  }
}
