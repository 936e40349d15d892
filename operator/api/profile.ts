import type { Condition } from './conditions.ts';
import type { ObjectMeta } from './meta.ts';

/** How a live value is judged against the wanted one; AtLeast and AtMost compare single integers. */
export type Match = 'Exact' | 'AtLeast' | 'AtMost';

/** Where an entry goes: Auto lets the node's kernel (or the catalog) decide. */
export type Scope = 'Auto' | 'Node' | 'Pod';

/** Node: written by the agent in the node's initial namespaces. Pod: allowed to pods by the kubelet. */
export type Lane = 'Node' | 'Pod';

export type DriftPolicy = 'Correct' | 'Report';
export type RemovalPolicy = 'Restore' | 'Keep';
export type OnFailure = 'Rollback' | 'Pause';

export interface LabelSelectorRequirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  values?: string[];
}

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: LabelSelectorRequirement[];
}

export interface SysctlEntry {
  /** As in sysctl.d(5): dots or slashes, the first separator decides. */
  name: string;
  value: string | number;
  match?: Match;
  scope?: Scope;
  /** A kernel without this key is not a failure. */
  optional?: boolean;
}

export interface SysctlProfileSpec {
  nodeSelector: LabelSelector;
  priority?: number;
  mode?: 'Enforce' | 'Plan';
  sysctls?: SysctlEntry[];
  pods?: { allowedUnsafeSysctls?: string[] };
  rollout?: {
    /** Nodes mid-change at once: an integer of at least 1, or a percentage such as "10%". */
    maxUnavailable?: number | string;
    canary?: { nodes: number; soakSeconds?: number };
    paused?: boolean;
    confirmTimeoutSeconds?: number;
    onFailure?: OnFailure;
  };
  driftPolicy?: DriftPolicy;
  removalPolicy?: RemovalPolicy;
  acknowledgeRisks?: string[];
}

/** How one entry of a profile was resolved. */
export interface ResolvedSysctl {
  name: string;
  lane: Lane;
  namespace?: string;
  reason?: string;
}

export interface ProfileFailure {
  node: string;
  name?: string;
  message?: string;
}

export interface SysctlProfileStatus {
  observedGeneration?: number;
  nodes?: { matched: number; updated: number; ready: number; failed: number; drifted: number };
  sysctls?: ResolvedSysctl[];
  failures?: ProfileFailure[];
  conditions?: Condition[];
}

export interface SysctlProfile {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: SysctlProfileSpec;
  status?: SysctlProfileStatus;
}
