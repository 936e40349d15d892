import type { RevisionData } from '../api/revision.ts';
import type { Deviation, NodeSysctlState } from '../api/state.ts';
import type { EventDraft, EventRecorder } from '../kube/events.ts';
import type { Outcome } from './enforcer.ts';
import { leftOut, optionalNames } from './status.ts';
import type { Log } from '../telemetry/log.ts';

const REASONS: Record<Deviation['state'], string> = {
  Drifted: 'Drifted',
  Failed: 'SysctlFailed',
  Unsupported: 'SysctlUnsupported',
  Foreign: 'ForeignValue',
  Contested: 'SysctlContested',
  RolledBack: 'SysctlRolledBack',
};

const keyOf = ({ name, state }: Deviation): string => `${name} ${state}`;

/** Tells what happened on the node: an Event on the Node and a line in the log. */
export class NodeEvents {
  readonly #recorder: Pick<EventRecorder, 'record'>;
  readonly #log: Log;
  #node: EventDraft['regarding'] | undefined;
  #known = new Set<string>();

  constructor(recorder: Pick<EventRecorder, 'record'>, log: Log) {
    this.#recorder = recorder;
    this.#log = log;
  }

  /** The Node's uid is the owner's in the state: the agent may not read Nodes. */
  regard({ metadata }: NodeSysctlState): void {
    const node = metadata.ownerReferences?.find((owner) => owner.kind === 'Node');
    if (node) this.#node = { apiVersion: 'v1', kind: 'Node', name: node.name, uid: node.uid };
  }

  /** `reason` and `action` in CamelCase, `note` for a person. */
  tell(type: EventDraft['type'], reason: string, action: string, note: string): void {
    this.#log.info(note, { event: reason });
    if (this.#node) this.#recorder.record({ regarding: this.#node, type, reason, action, note });
  }

  /** Values that somebody else had changed and that were put back, also those from while no agent was running. */
  corrected(corrections: Outcome['corrected']): void {
    for (const { name, from, to } of corrections)
      this.tell(
        'Normal',
        'DriftCorrected',
        'Correct',
        `${name}: somebody else made it ${from}; put back to ${to}`,
      );
  }

  /** An Event for each deviation that was not there at the last call. A missing key that is optional is none. */
  deviations(deviations: readonly Deviation[], data: RevisionData | undefined): void {
    const optional = optionalNames(data);
    const worth = [...deviations, ...leftOut(data)].filter(
      (d) => !(d.state === 'Unsupported' && optional.has(d.name)),
    );
    for (const d of worth)
      if (!this.#known.has(keyOf(d)))
        this.tell('Warning', REASONS[d.state], 'Enforce', d.message ?? keyOf(d));
    this.#known = new Set(worth.map(keyOf));
  }
}
