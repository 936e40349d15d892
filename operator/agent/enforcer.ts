import type { RevisionData } from '../api/revision.ts';
import type { Deviation, NodeSysctlStateStatus } from '../api/state.ts';
import { sameValue } from '../sysctl/values.ts';
import { originalOf, perform, readLive, type Performed } from './executor.ts';
import type { KernelParameters } from './kernel.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import { Objections } from './objections.ts';
import type { NamedRevision } from './revisions.ts';
import { entriesByName, inSync, isOurs, planSteps, type Live, type Step, type Steps } from './steps.ts';

/** What one run found and did. */
export interface Outcome {
  deviations: Deviation[];
  counts: NonNullable<NodeSysctlStateStatus['sysctls']>;
  /** Foreign values that a sweep put right. */
  corrected: { name: string; from: string; to: string }[];
}

/**
 * Makes the kernel's values what a revision says: ledger first, then differences only, each read back; one bad key fails alone. Every
 * effect goes through the kernel's `write` or the ledger's files, so that a test can end the process between any two of them.
 */
export class Enforcer {
  readonly #kernel: KernelParameters;
  readonly #ledger: Ledger;
  readonly #objections: Objections;
  #revision: NamedRevision | undefined;
  /** Put back only when `finish` says so. */
  #later: ReadonlySet<string> = new Set();
  #waited = false;
  /** What the last sweep read, where that left nothing to do, and what it found: as long as the same is read, that is found again. */
  #calm: { live: ReadonlyMap<string, Live>; outcome: Outcome } | undefined;

  /** `now` is a monotonic clock in ms. */
  constructor(kernel: KernelParameters, ledger: Ledger, now: () => number = () => performance.now()) {
    this.#kernel = kernel;
    this.#ledger = ledger;
    this.#objections = new Objections(now);
  }

  get originals(): Record<string, string> {
    return this.#ledger.originals();
  }

  /**
   * Goes to a revision. Of the keys in `later` the values that it no longer has stay until `finish`. Throws LedgerUnreadable when the
   * ledger cannot be written; nothing was changed then.
   */
  apply(revision: NamedRevision, later: ReadonlySet<string> = new Set()): Outcome {
    this.#revision = revision;
    this.#later = later;
    const { sysctls } = revision.data;
    this.#kernel.hold(new Set(sysctls.map((s) => s.name)));
    return this.#run(revision, false, this.#remember(revision.data));
  }

  /**
   * Reads everything again; corrects or reports what others changed. undefined before the first revision; the same object again where
   * nothing is otherwise than in the last sweep.
   */
  sweep(): Outcome | undefined {
    if (this.#calm && this.#isStill(this.#calm.live)) return this.#calm.outcome;
    return this.#revision && this.#run(this.#revision, true);
  }

  /** Puts back what `apply` left for later; undefined, and nothing is read, where that is nothing. */
  finish(): Outcome | undefined {
    const waited = this.#waited;
    this.#later = new Set();
    this.#waited = false;
    return waited && this.#revision ? this.#run(this.#revision, false) : undefined;
  }

  #waits({ kind, name }: Step): boolean {
    const waits = kind === 'restore' && this.#later.has(name);
    this.#waited ||= waits;
    return waits;
  }

  #isStill(live: ReadonlyMap<string, Live>): boolean {
    for (const [name, was] of live) {
      const is = readLive(this.#kernel, name);
      const same =
        'value' in was ? 'value' in is && is.value === was.value : 'errno' in is && is.errno === was.errno;
      if (!same) return false;
    }
    return true;
  }

  /** Returns what it read. */
  #remember({ sysctls }: RevisionData): Map<string, Live> {
    const exact = new Map(sysctls.filter((s) => s.match === 'Exact').map((s) => [s.name, s.value]));
    const read = new Map([...exact.keys()].map((name) => [name, readLive(this.#kernel, name)]));
    this.#objections.begin(exact, read, this.#ledger.entries());
    return read;
  }

  /** `before` has what was read just now; the rest is read. */
  #run(
    { name: revision, data }: NamedRevision,
    sweeping: boolean,
    before = new Map<string, Live>(),
  ): Outcome {
    this.#calm = undefined;
    const known = this.#ledger.entries();
    const planned = this.#plan(data, before);
    const { deviations } = planned;
    const foreign = deviations.filter((d) => d.state === 'Foreign');
    const steps = planned.steps.filter((step) => {
      if (this.#waits(step)) return false;
      const reason = this.#objections.to(step, known.get(step.name), sweeping);
      if (reason) deviations.push(reason);
      return !reason;
    });
    this.#keepPolicies(data, known);
    for (const name of planned.drop) this.#ledger.delete(name);
    for (const step of steps) this.#announce(step, known);
    this.#ledger.addForeign(revision, foreign);
    this.#ledger.save();
    const corrected: Outcome['corrected'] = [];
    for (const [step, deviation] of this.#perform(steps, known)) {
      if (deviation) deviations.push(deviation);
      else if (step.kind === 'write' && (sweeping || this.#objections.isDrift(step, known.get(step.name)))) {
        corrected.push({ name: step.name, from: step.from, to: step.to });
        this.#objections.corrected(step.name);
      }
    }
    const after = steps.length > 0 ? new Map<string, Live>() : before;
    if (steps.length > 0)
      deviations.push(...this.#mend(data, before, after, [...planned.steps, ...deviations]));
    this.#ledger.save();
    deviations.push(
      ...this.#ledger.foreign(revision).filter((f) => !deviations.some((d) => d.name === f.name)),
    );
    const outcome = { deviations, counts: this.#count(data, deviations, after), corrected };
    if (sweeping && planned.steps.length === 0 && planned.drop.length === 0)
      this.#calm = { live: before, outcome };
    return outcome;
  }

  /** `read` has what was read already, and takes the rest. */
  #plan(data: RevisionData, read = new Map<string, Live>()): Steps {
    const live = (name: string): Live => {
      const value = read.get(name) ?? readLive(this.#kernel, name);
      read.set(name, value);
      return value;
    };
    return planSteps({ data, ledger: this.#ledger.entries(), live });
  }

  #perform(
    steps: readonly Step[],
    known: ReadonlyMap<string, LedgerEntry>,
  ): [step: Step, refused: Deviation | undefined][] {
    return steps.map((step) => {
      const entry = known.get(step.name);
      return [step, this.#settle(step, entry, perform(this.#kernel, step, entry))];
    });
  }

  /**
   * Keys that were right and that our own writes of others have changed (ip_forward sets the forwarding of every device): put right; that
   * is nobody's drift. `after` takes what is live in the end.
   */
  #mend(
    data: RevisionData,
    before: ReadonlyMap<string, Live>,
    after: Map<string, Live>,
    settled: readonly { name: string }[],
  ): Deviation[] {
    const done = new Set(settled.map(({ name }) => name));
    const changed = this.#plan(data, after).steps.filter(({ entry }) => entry);
    const known = this.#ledger.entries();
    const mend = changed.filter(({ name }) => !done.has(name));
    for (const step of mend) {
      const was = before.get(step.name);
      this.#announce(was && 'value' in was ? { ...step, from: was.value } : step, known);
    }
    if (mend.length > 0) {
      this.#ledger.save();
      after.clear();
    }
    return this.#perform(mend, known).flatMap(([, deviation]) => deviation ?? []);
  }

  /** What is to happen at removal may change without the value. */
  #keepPolicies(data: RevisionData, known: ReadonlyMap<string, LedgerEntry>): void {
    for (const { name, removal } of data.sysctls) {
      const entry = known.get(name);
      if (entry && entry.removal !== removal) this.#ledger.set(name, { ...entry, removal });
    }
  }

  /** Into the ledger before the kernel sees it. */
  #announce({ name, from, to, entry }: Step, ledger: ReadonlyMap<string, LedgerEntry>): void {
    if (!entry) return;
    const known = ledger.get(name);
    const first = known ?? originalOf(this.#kernel, name, this.#objections.found(name) ?? from, ledger);
    this.#ledger.set(name, {
      original: first.original,
      written: to,
      ...(known && isOurs(name, from, known) && { previous: from }),
      removal: entry.removal,
      ...(first.coupled && { coupled: first.coupled }),
    });
  }

  /** What a performed step leaves in the ledger, and what there is to say of it. */
  #settle(step: Step, known: LedgerEntry | undefined, result: Performed): Deviation | undefined {
    const { kind, name, from, to, entry } = step;
    if (result.done) {
      if (kind === 'restore') this.#ledger.delete(name);
      this.#objections.taken(name);
      return undefined;
    }
    const { error, live } = result;
    if (kind === 'write') {
      // A refused write can be partial ("1 2 x 3" sets the first two of kernel.sem): what is live now is ours as well.
      const partial = live !== undefined && live !== from;
      const removal = entry?.removal ?? 'Restore';
      if (partial) this.#ledger.set(name, { original: from, ...known, removal, written: live });
      // Announced by an agent that was killed before it could write, or put back by somebody else: nothing of ours is live.
      else if (known && !(live !== undefined && sameValue(name, known.original, live)))
        this.#ledger.set(name, { ...known, removal });
      else this.#ledger.delete(name);
    }
    const has = live === undefined ? '' : `; it has ${live}`;
    const kept = kind === 'restore' ? '; it could not be put back' : '';
    const deviation: Deviation = {
      name,
      desired: to,
      ...(live !== undefined && { live }),
      state: error.errno === 'ENOENT' && live === undefined ? 'Unsupported' : 'Failed',
      message: `${error.message}${has}${kept}`,
    };
    this.#objections.refused(name, live ?? from, to, deviation);
    return deviation;
  }

  #count(
    data: RevisionData,
    deviations: readonly Deviation[],
    live: ReadonlyMap<string, Live>,
  ): Outcome['counts'] {
    const of = (...states: Deviation['state'][]): number =>
      deviations.filter((d) => states.includes(d.state)).length;
    const bad = new Set(deviations.map((d) => d.name));
    const good = [...entriesByName(data)].filter(
      ([name, entries]) =>
        !bad.has(name) && inSync(entries, name, live.get(name) ?? readLive(this.#kernel, name)),
    );
    return {
      inSync: good.length,
      drifted: of('Drifted'),
      failed: of('Failed', 'Contested', 'RolledBack'),
      unsupported: of('Unsupported'),
      foreign: of('Foreign'),
    };
  }
}
