import type { SysctlEntry } from '../../api/profile.ts';
import type { ResolvedProfile } from '../../plan/resolve.ts';
import type { Source, Span } from './source.ts';

/** A value as it is written. */
export interface Written {
  /** What the kernel would get. */
  text: string;
  span: Span;
  /** A text or an integer; what else YAML made of it is told already, and is not judged again. */
  usable: boolean;
  /** An integer in YAML, which pods do not take. */
  integer: boolean;
}

/** One "name = value" somewhere in a file. */
export interface Setting {
  source: Source;
  name: string;
  nameSpan: Span;
  value?: Written;
}

export interface ProfileEntry extends Setting {
  span: Span;
  /** As the operator gets it. */
  entry: SysctlEntry;
}

export interface ProfileSubject {
  source: Source;
  name: string;
  nameSpan: Span;
  driftPolicy: unknown;
  entries: ProfileEntry[];
  /** What the operator makes of it; outcomes in the order of `entries`. */
  resolved: ResolvedProfile;
}

/** securityContext.sysctls of a pod or of a pod's template. */
export interface PodSubject {
  source: Source;
  settings: Setting[];
  hostNetwork: boolean;
  hostIPC: boolean;
  /** Labels of spec.nodeSelector. */
  nodeSelector: Record<string, unknown>;
}

/** An entry of an allow-list of the kubelet, wherever it is written. */
export interface AllowedPattern {
  source: Source;
  pattern: string;
  span: Span;
  /** The profile that brings it to the kubelets. */
  profile?: string;
}

/** A shell command that sets a sysctl from within a container. */
export interface CommandSubject extends Setting {
  hostNetwork: boolean;
}

/** The lines of a sysctl.conf. */
export interface ConfSubject {
  source: Source;
  settings: Setting[];
}

/** What there is to judge in all files. */
export interface Subjects {
  profiles: ProfileSubject[];
  pods: PodSubject[];
  patterns: AllowedPattern[];
  commands: CommandSubject[];
  confs: ConfSubject[];
}

export const noSubjects = (): Subjects => ({ profiles: [], pods: [], patterns: [], commands: [], confs: [] });
