import type { ObjectMeta } from './meta.ts';
import type { DriftPolicy, Match, OnFailure, RemovalPolicy } from './profile.ts';

/** One node-level sysctl that a node must have. */
export interface RevisionSysctl {
  /** With dots as first separator, as in sysctl.d(5): net.ipv4.conf.eth0/100.rp_filter. */
  name: string;
  value: string;
  match: Match;
  optional: boolean;
  /** The profile that won this key. */
  profile: string;
  /** Further profiles that this entry satisfies: the same value, or a bound that it keeps. */
  also?: string[];
  drift: DriftPolicy;
  removal: RemovalPolicy;
}

/** A sysctl that profiles want for pods and that the kernels of these nodes cannot give to them: reported, never done. */
export interface UnsupportedSysctl {
  name: string;
  /** No failure for any of the profiles. */
  optional: boolean;
  profiles: string[];
  message: string;
}

/** What a set of nodes must have: the `data` of an apps/v1 ControllerRevision, immutable, named by its hash. */
export interface RevisionData {
  sysctls: RevisionSysctl[];
  kubelet: { allowedUnsafeSysctls: string[] };
  /** Left out where there is none. */
  unsupported?: UnsupportedSysctl[];
  policy: { confirmTimeoutSeconds: number; onFailure: OnFailure };
  /** Profiles that it was made from; generations as they were when it was created (not part of the hash). */
  profiles: { name: string; generation: number }[];
}

export interface Revision {
  metadata: ObjectMeta;
  revision: number;
  data: RevisionData;
}
