import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Deviation, KubeletStatus, NodeSysctlState } from '../api/state.ts';
import { messageOf, OperatorError } from '../errors.ts';
import type { ApiServer } from '../kube/api-server.ts';
import type { EventDraft, EventRecorder } from '../kube/events.ts';
import type { Log } from '../telemetry/log.ts';
import { Enforcer, type Outcome } from './enforcer.ts';
import type { KernelParameters } from './kernel.ts';
import type { KubeletManager } from './kubelet/types.ts';
import { Ledger } from './ledger.ts';
import { Revisions, type NamedRevision } from './revisions.ts';
import { nodeStatus, type Stuck } from './status.ts';
import type { StatusWriter } from './status-writer.ts';

export interface AgentOptions {
  api: ApiServer;
  kernel: KernelParameters;
  /** Loads the kubelet part; called only when a revision needs it or something of ours is in the kubelet. */
  kubelet: () => Promise<KubeletManager>;
  events: Pick<EventRecorder, 'record'>;
  status: StatusWriter;
  log: Log;
  nodeName: string;
  namespace: string;
  stateDir: string;
  signal: AbortSignal;
}

const UNMANAGED: KubeletStatus = { state: 'Unmanaged' };
const MAX_RETRY_MS = 30_000;

/** Brings one node to the revision that its state names, keeps it there, and says how it stands. */
export class NodeAgent {
  readonly #o: AgentOptions;
  readonly #revisions: Revisions;
  #enforcer: Enforcer | undefined;
  #state: NodeSysctlState | undefined;
  #applied: NamedRevision | undefined;
  #observed: string | undefined;
  #outcome: Outcome | undefined;
  #kubelet: KubeletManager | undefined;
  #kubeletStatus: KubeletStatus | undefined;
  #stuck: Stuck | undefined;
  #working = false;
  #dirty = false;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #known = new Set<string>();

  constructor(options: AgentOptions) {
    this.#o = options;
    this.#revisions = new Revisions(options.api, options.namespace, options.stateDir);
  }

  /** The state came, changed, or (undefined) went. A state that is gone asks for nothing. */
  stateChanged(state: NodeSysctlState | undefined): void {
    if (state?.metadata.uid !== this.#state?.metadata.uid) this.#o.status.forget();
    this.#state = state;
    this.#wake();
  }

  /** The API server did not answer yet: go on with what was applied last. */
  resumeOffline(): void {
    if (this.#state || this.#applied) return;
    const last = this.#revisions.last();
    if (!last || !this.#open()) return;
    this.#o.log.info('the API server is away: enforcing the last revision', { revision: last.name });
    this.#applied = last;
    this.#outcome = this.#enforcer?.apply(last.data);
  }

  /** Reads every value again. */
  sweep(): void {
    if (!this.#enforcer) return this.#wake();
    const outcome = this.#enforcer.sweep();
    if (!outcome) return;
    for (const { name, from, to } of outcome.corrected) this.#tell('Normal', 'DriftCorrected', 'Correct', `${name}: somebody else made it ${from}; put back to ${to}`);
    this.#settle(outcome);
    if (this.#kubelet && !this.#working && this.#kubeletStatus && this.#kubeletStatus.state !== 'Unmanaged') void this.#refreshKubelet(this.#kubelet);
  }

  #wake(): void {
    this.#dirty = true;
    if (this.#working) return;
    this.#working = true;
    void this.#work().finally(() => (this.#working = false));
  }

  async #work(): Promise<void> {
    while (this.#dirty && !this.#o.signal.aborted) {
      this.#dirty = false;
      try {
        await this.#converge();
        this.#failures = 0;
      } catch (error) {
        if (this.#o.signal.aborted) return;
        this.#o.log.warn(`not converged: ${messageOf(error)}`, { error });
        if (error instanceof OperatorError && error.code === 'RevisionMissing') this.#report({ reason: 'RevisionMissing', message: error.message });
        this.#retryLater();
      }
    }
  }

  async #converge(): Promise<void> {
    const state = this.#state;
    if (!state) return;
    if (!this.#open()) return this.#publish();
    const wanted = state.spec.revision;
    if (this.#applied?.name !== wanted || this.#observed !== wanted) {
      const revision = this.#applied?.name === wanted ? this.#applied : await this.#revisions.fetch(wanted, this.#o.signal);
      this.#stuck = undefined;
      this.#outcome = this.#enforcer?.apply(revision.data);
      this.#applied = revision;
      this.#revisions.remember(revision);
      this.#kubeletStatus = await this.#configureKubelet(revision.data.kubelet.allowedUnsafeSysctls);
      this.#observed = wanted;
      this.#o.log.info('revision applied', { revision: wanted, ...this.#outcome?.counts, kubelet: this.#kubeletStatus.state });
      this.#tellDeviations();
    } else this.#stuck = undefined;
    this.#publish();
  }

  /** Opens the ledger; false while it cannot be read: then nothing is changed. */
  #open(): boolean {
    if (this.#enforcer) return true;
    try {
      const ledger = Ledger.open(join(this.#o.stateDir, 'ledger.json'), this.#o.kernel.bootID());
      this.#enforcer = new Enforcer(this.#o.kernel, ledger);
      this.#stuck = undefined;
      return true;
    } catch (error) {
      this.#stuck = { reason: 'LedgerUnreadable', message: messageOf(error) };
      this.#o.log.error(messageOf(error), { error });
      return false;
    }
  }

  async #configureKubelet(wanted: readonly string[]): Promise<KubeletStatus> {
    const untouched = !this.#kubelet && !existsSync(join(this.#o.stateDir, 'kubelet.json'));
    if (wanted.length === 0 && untouched) return UNMANAGED;
    if (!this.#kubelet) {
      this.#kubelet = await this.#o.kubelet();
      await this.#kubelet.recover();
    }
    const before = this.#kubeletStatus;
    const status = await this.#kubelet.reconcile(wanted);
    if (status.state === 'Failed' || status.state === 'Unsupported') this.#tell('Warning', `Kubelet${status.state}`, 'ConfigureKubelet', status.message ?? status.state);
    else if (status.state === 'Held') this.#tell('Normal', 'KubeletHeld', 'ConfigureKubelet', status.message ?? 'entries are kept for running pods');
    else if (JSON.stringify(before?.allowedUnsafeSysctls) !== JSON.stringify(status.allowedUnsafeSysctls))
      this.#tell('Normal', 'KubeletConfigured', 'ConfigureKubelet', `the kubelet allows ${status.allowedUnsafeSysctls?.join(', ') || 'no unsafe sysctls'}`);
    return status;
  }

  async #refreshKubelet(kubelet: KubeletManager): Promise<void> {
    this.#working = true;
    try {
      this.#kubeletStatus = await kubelet.refresh();
      this.#publish();
    } catch (error) {
      this.#o.log.warn('the kubelet could not be looked at', { error: messageOf(error) });
    } finally {
      this.#working = false;
      if (this.#dirty) this.#wake();
    }
  }

  #settle(outcome: Outcome): void {
    this.#outcome = outcome;
    this.#tellDeviations();
    if (this.#observed !== undefined) this.#publish();
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    const cap = Math.min(250 * 2 ** this.#failures++, MAX_RETRY_MS);
    this.#retry = setTimeout(() => this.#wake(), cap / 2 + Math.random() * (cap / 2)).unref();
  }

  #report(stuck: Stuck): void {
    this.#stuck = stuck;
    this.#publish();
  }

  #publish(): void {
    const state = this.#state;
    if (!state) return;
    const { kernel, status } = this.#o;
    status.write(
      nodeStatus({
        observedRevision: this.#observed ?? state.status?.observedRevision,
        data: this.#applied?.data,
        outcome: this.#outcome,
        kubelet: this.#kubeletStatus,
        originals: this.#enforcer?.originals ?? {},
        stuck: this.#stuck,
        bootID: kernel.bootID(),
        kernelRelease: kernel.release(),
        generation: state.metadata.generation ?? 0,
        conditions: status.last?.conditions ?? state.status?.conditions,
        now: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      }),
    );
  }

  /** An Event for each deviation that was not there before. */
  #tellDeviations(): void {
    const reasons: Record<Deviation['state'], string> = {
      Drifted: 'Drifted',
      Failed: 'SysctlFailed',
      Unsupported: 'SysctlUnsupported',
      Foreign: 'ForeignValue',
      Contested: 'SysctlContested',
      RolledBack: 'SysctlRolledBack',
    };
    const deviations = this.#outcome?.deviations ?? [];
    const key = (d: Deviation): string => `${d.name} ${d.state}`;
    const optional = new Set(this.#applied?.data.sysctls.filter((s) => s.optional).map((s) => s.name));
    for (const d of deviations)
      if (!this.#known.has(key(d)) && !(d.state === 'Unsupported' && optional.has(d.name))) this.#tell('Warning', reasons[d.state], 'Enforce', d.message ?? `${d.name}: ${d.state}`);
    this.#known = new Set(deviations.map(key));
  }

  #tell(type: EventDraft['type'], reason: string, action: string, note: string): void {
    const owner = this.#state?.metadata.ownerReferences?.[0];
    this.#o.log.info(note, { event: reason });
    if (owner) this.#o.events.record({ regarding: { apiVersion: 'v1', kind: 'Node', name: this.#o.nodeName, uid: owner.uid }, type, reason, action, note });
  }
}
