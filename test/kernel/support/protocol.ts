import type { Outcome } from '../../../operator/agent/enforcer.ts';
import type { NamedRevision } from '../../../operator/agent/revisions.ts';

export type Command =
  | { do: 'apply'; revision: NamedRevision }
  | { do: 'sweep' }
  /** Read past the agent. */
  | { do: 'read'; name: string }
  /** Written by another hand. */
  | { do: 'foreign'; name: string; value: string };

export interface Answer {
  outcome?: Outcome;
  originals?: Record<string, string>;
  /** Writes to the ledger's file and to the kernel, in order. */
  effects?: string[];
  value?: string;
}
