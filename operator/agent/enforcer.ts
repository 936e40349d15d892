import type { RevisionData, RevisionSysctl } from '../api/revision.ts';
import type { Deviation } from '../api/state.ts';
import { sameValue } from '../sysctl/values.ts';
import { Fights } from './fights.ts';
import { KernelError, type KernelParameters } from './kernel.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import { entriesByName, inSync, planSteps, type Live, type Step } from './steps.ts';

/** What one run found and did. */
export interface Outcome {
  deviations: Deviation[];
  counts: { inSync: number; drifted: number; failed: number; unsupported: number; foreign: number };
  /** Foreign values that a sweep put right. */
  corrected: { name: string; from: string; to: string }[];
}

/** Keys of which one is set to 0 by a write of the other (mm/page-writeback.c, mm/util.c). A 0 is put back by writing the other. */
const COUPLED: Record<string, string> = {
  'vm.dirty_bytes': 'vm.dirty_ratio',
  'vm.dirty_ratio': 'vm.dirty_bytes',
  'vm.dirty_background_bytes': 'vm.dirty_background_ratio',
  'vm.dirty_background_ratio': 'vm.dirty_background_bytes',
  'vm.overcommit_kbytes': 'vm.overcommit_ratio',
  'vm.overcommit_ratio': 'vm.overcommit_kbytes',
};

/** A write that the kernel refused is not repeated by every sweep. */
const RETRY_MS = 10 * 60_000;

interface Refusal {
  from: string;
  to: string;
  at: number;
  deviation: Deviation;
}

/**
 * Makes the kernel's values what a revision says: ledger first, then differences only, each read back; one bad key fails alone. Every
 * effect goes through `kernel` or `ledger`, so that a test can end the process between any two of them.
 */
export class Enforcer {
  readonly #kernel: KernelParameters;
  readonly #ledger: Ledger;
  readonly #now: () => number;
  readonly #fights: Fights;
  readonly #refused = new Map<string, Refusal>();
  #data: RevisionData | undefined;

  constructor(kernel: KernelParameters, ledger: Ledger, now: () => number = () => performance.now()) {
    this.#kernel = kernel;
    this.#ledger = ledger;
    this.#now = now;
    this.#fights = new Fights(now);
  }

  get originals(): Record<string, string> {
    return this.#ledger.originals();
  }

  /** Goes to a revision. */
  apply(data: RevisionData): Outcome {
    this.#data = data;
    this.#fights.reset();
    this.#refused.clear();
    this.#ledger.setForeign([]);
    this.#kernel.hold(new Set(data.sysctls.map((s) => s.name)));
    return this.#run(data, false);
  }

  /** Reads everything again; corrects or reports what others changed. */
  sweep(): Outcome | undefined {
    return this.#data && this.#run(this.#data, true);
  }

  #live = (name: string): Live => {
    try {
      return { value: this.#kernel.read(name) };
    } catch (error) {
      if (error instanceof KernelError) return { errno: error.errno, message: error.message };
      throw error;
    }
  };

  #run(data: RevisionData, sweeping: boolean): Outcome {
    const known = new Map<string, LedgerEntry>(this.#ledger.names().map((name) => [name, this.#ledger.get(name) as LedgerEntry]));
    const planned = planSteps({ data, ledger: known, live: this.#live });
    const deviations = [...planned.deviations];
    const steps = planned.steps.filter((step) => this.#mayStep(step, known.get(step.name), sweeping, deviations));
    for (const name of planned.drop) this.#ledger.delete(name);
    for (const step of steps) this.#announce(step, known.get(step.name));
    const foreign = planned.deviations.filter((d) => d.state === 'Foreign');
    if (foreign.length > 0) this.#ledger.setForeign([...this.#ledger.foreign, ...foreign]);
    this.#ledger.save();
    const corrected: Outcome['corrected'] = [];
    for (const step of steps) {
      const deviation = this.#perform(step, known.get(step.name));
      if (deviation) deviations.push(deviation);
      else if (sweeping && step.kind === 'write') {
        corrected.push({ name: step.name, from: step.from, to: step.to });
        this.#fights.corrected(step.name);
      }
    }
    this.#ledger.save();
    deviations.push(...this.#ledger.foreign.filter((f) => !deviations.some((d) => d.name === f.name)));
    return { deviations, counts: this.#count(data, deviations), corrected };
  }

  /** A sweep leaves a key alone that is only reported, that two writers fight over, or that the kernel refused just now. */
  #mayStep(step: Step, known: LedgerEntry | undefined, sweeping: boolean, deviations: Deviation[]): boolean {
    if (!sweeping || !step.entry) return true;
    const { name, from, to, entry } = step;
    const refusal = this.#refused.get(name);
    if (refusal && refusal.from === from && refusal.to === to && this.#now() - refusal.at < RETRY_MS) {
      deviations.push(refusal.deviation);
      return false;
    }
    const live = { name, desired: to, live: from };
    if (entry.drift === 'Report') {
      const since = known ? `somebody else changed it from ${known.written}` : 'somebody else changed it';
      deviations.push({ ...live, state: 'Drifted', message: `${name}: ${since} to ${from}; driftPolicy Report leaves it` });
      return false;
    }
    const truce = this.#fights.truce(name);
    if (truce) deviations.push({ ...live, state: 'Contested', message: truce });
    return truce === undefined;
  }

  /** Into the ledger before the kernel sees it. */
  #announce({ kind, name, from, to, entry }: Step, known: LedgerEntry | undefined): void {
    if (kind === 'restore') return;
    const other = COUPLED[name];
    const coupled = other === undefined ? undefined : this.#live(other);
    this.#ledger.set(name, {
      original: known?.original ?? from,
      written: to,
      ...(known && { previous: known.written }),
      removal: entry?.removal ?? known?.removal ?? 'Restore',
      ...(known?.coupled ? { coupled: known.coupled } : other !== undefined && coupled && 'value' in coupled && { coupled: { [other]: coupled.value } }),
    });
  }

  #perform(step: Step, known: LedgerEntry | undefined): Deviation | undefined {
    const { name, from, to } = step;
    try {
      this.#write(step, known);
      const live = this.#kernel.read(name);
      if (!sameValue(name, to, live)) throw new KernelError('EREADBACK', `${name}: wrote ${to}, the kernel made it ${live}`);
      if (step.kind === 'restore') this.#ledger.delete(name);
      this.#refused.delete(name);
      return undefined;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return this.#refuse(step, known, error, from);
    }
  }

  #write({ kind, name, to }: Step, known: LedgerEntry | undefined): void {
    const [other, value] = Object.entries(known?.coupled ?? {})[0] ?? [];
    // dirty_bytes and its like do not take 0; writing the other one of the pair makes it 0.
    if (kind === 'restore' && to === '0' && other !== undefined && value !== undefined) this.#kernel.write(other, value);
    else this.#kernel.write(name, to);
  }

  #refuse(step: Step, known: LedgerEntry | undefined, error: KernelError, from: string): Deviation {
    const { kind, name, to } = step;
    // A failing write can be partial: what is live now is what counts.
    const live = this.#live(name);
    const now = 'value' in live ? live.value : undefined;
    if (kind === 'write' && known) this.#ledger.set(name, { ...known, ...(now !== undefined && now !== from && { written: now, previous: known.written }) });
    else if (kind === 'write' && now !== undefined && now !== from) this.#ledger.set(name, { original: from, written: now, removal: step.entry?.removal ?? 'Restore' });
    else if (kind === 'write') this.#ledger.delete(name);
    const verb = kind === 'restore' ? '; it could not be put back' : '';
    const has = now === undefined ? '' : `; it has ${now}`;
    const state = error.errno === 'ENOENT' ? 'Unsupported' : 'Failed';
    const deviation: Deviation = { name, desired: to, ...(now !== undefined && { live: now }), state, message: `${error.message}${has}${verb}` };
    this.#refused.set(name, { from: now ?? from, to, at: this.#now(), deviation });
    return deviation;
  }

  #count(data: RevisionData, deviations: readonly Deviation[]): Outcome['counts'] {
    const of = (...states: Deviation['state'][]): number => deviations.filter((d) => states.includes(d.state)).length;
    const bad = new Set(deviations.map((d) => d.name));
    const names: [string, RevisionSysctl[]][] = [...entriesByName(data)];
    return {
      inSync: names.filter(([name, entries]) => !bad.has(name) && inSync(entries, name, this.#live(name))).length,
      drifted: of('Drifted'),
      failed: of('Failed', 'Contested', 'RolledBack'),
      unsupported: of('Unsupported'),
      foreign: of('Foreign'),
    };
  }
}

