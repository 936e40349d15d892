import type { KubeletStatus } from '../../api/state.ts';

/** The part of the agent that knows the node's kubelet. */
export interface KubeletManager {
  /** Finishes or undoes what a killed agent left half-done. */
  recover(): Promise<void>;
  /** Brings the kubelet's list to what was there before us ∪ wanted; an empty list gives it back. Never throws: the status says what happened. */
  reconcile(wanted: readonly string[]): Promise<KubeletStatus>;
  /** Looks again: completes a removal that was held, puts a removed file back; touches nothing else. */
  refresh(): Promise<KubeletStatus>;
}
