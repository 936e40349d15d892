import { SETS_TO_ZERO } from '../sysctl/order.ts';
import { sameValue } from '../sysctl/values.ts';
import { KernelError, type KernelParameters } from './kernel.ts';
import type { LedgerEntry } from './ledger.ts';
import type { Live, Step } from './steps.ts';

/** How one step went: done, or refused with what is live now. */
export type Performed = { done: true } | { done: false; error: KernelError; live: string | undefined };

/** The live value, or the kernel's refusal as data. */
export function readLive(kernel: KernelParameters, name: string): Live {
  try {
    return { value: kernel.read(name) };
  } catch (error) {
    if (error instanceof KernelError) return { errno: error.errno, message: error.message };
    throw error;
  }
}

/**
 * The original of a key that this program has not written yet, and of the one that a write of it sets to 0. Where the other one of the
 * pair was written before, what is live now is its doing and the ledger knows better.
 */
export function originalOf(
  kernel: KernelParameters,
  name: string,
  live: string,
  known: ReadonlyMap<string, LedgerEntry>,
): Pick<LedgerEntry, 'original' | 'coupled'> {
  const other = SETS_TO_ZERO[name];
  if (other === undefined) return { original: live };
  const partner = known.get(other);
  const value = partner ? { value: partner.original } : readLive(kernel, other);
  const original = partner?.coupled?.[name] ?? live;
  return 'value' in value ? { original, coupled: { [other]: value.value } } : { original };
}

function write(kernel: KernelParameters, { kind, name, to }: Step, known: LedgerEntry | undefined): void {
  const [other] = Object.entries(known?.coupled ?? {});
  if (kind === 'restore' && to === '0' && other) kernel.write(...other);
  else kernel.write(name, to);
}

/** Does one step: one write, read back. Changes nothing but the kernel; throws only what is not the kernel's answer. */
export function perform(kernel: KernelParameters, step: Step, known: LedgerEntry | undefined): Performed {
  const { name, to } = step;
  try {
    // Of a pair that sets each other to 0 only one is written, for the 0 would undo it: the earlier step has brought this one there.
    if (SETS_TO_ZERO[name] !== undefined && sameValue(name, to, kernel.read(name))) return { done: true };
    write(kernel, step, known);
    const live = kernel.read(name);
    if (sameValue(name, to, live)) return { done: true };
    throw new KernelError('EREADBACK', `${name}: wrote "${to}", the kernel made it "${live}"`);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    const live = readLive(kernel, name);
    return { done: false, error, live: 'value' in live ? live.value : undefined };
  }
}
