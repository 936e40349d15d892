import type { Condition } from './conditions.ts';
import type { ObjectMeta } from './meta.ts';

export type DeviationState = 'Drifted' | 'Failed' | 'Unsupported' | 'Foreign' | 'Contested' | 'RolledBack';

/** A sysctl that is not in sync on a node. */
export interface Deviation {
  name: string;
  desired?: string;
  live?: string;
  state: DeviationState;
  message?: string;
}

/**
 * Unmanaged: nothing of ours in the kubelet's configuration. Synced: the wanted list was read back from configz.
 * Pending: a change is under way. Held: entries stay although no longer wanted, because running pods use them.
 * Failed: the kubelet did not take the list, the old one is back. Unsupported: this kubelet cannot be configured by us.
 */
export type KubeletState = 'Unmanaged' | 'Synced' | 'Pending' | 'Held' | 'Failed' | 'Unsupported';

export interface KubeletStatus {
  state: KubeletState;
  /** The live list, read back from the kubelet's configz. */
  allowedUnsafeSysctls?: string[];
  /** The file that holds our part of the configuration. */
  configPath?: string;
  message?: string;
}

export interface NodeSysctlStateStatus {
  observedRevision?: string;
  bootID?: string;
  kernelRelease?: string;
  sysctls?: { inSync: number; drifted: number; failed: number; unsupported: number; foreign: number };
  /** Only what is not in sync, at most 100. */
  deviations?: Deviation[];
  /** What was there before us, by name with dots. */
  originals?: Record<string, string>;
  kubelet?: KubeletStatus;
  conditions?: Condition[];
}

export interface NodeSysctlState {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: { revision: string };
  status?: NodeSysctlStateStatus;
}
