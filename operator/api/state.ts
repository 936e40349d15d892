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

/**
 * What a kernel has otherwise than the catalog says. missing: the node does not have it. notWritable: it has it, but nobody may write it.
 * The others are what a pod's own namespaces have of it: a value of their own, the node's to read, nothing, the node's to write.
 */
export type KernelFinding = 'missing' | 'notWritable' | 'own' | 'readOnly' | 'absent' | 'shared';

export interface KernelStatus {
  /** Of everything that was found: equal on nodes whose kernels agree in every sysctl, whatever their interfaces. */
  digest: string;
  /**
   * Names by finding, at most 100 in all. net.ipv4.conf.*.forwarding is that file of every interface; net.ipv4.vs.* is everything below
   * a folder that is missing as a whole.
   */
  differences?: Partial<Record<KernelFinding, string[]>>;
  /** How many names did not fit. */
  more?: number;
}

export interface NodeSysctlStateStatus {
  observedRevision?: string;
  bootID?: string;
  kernelRelease?: string;
  kernel?: KernelStatus;
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
