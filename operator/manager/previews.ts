import { Planner, type Plan } from '../plan/plan.ts';
import { withCandidates } from '../plan/preview/candidates.ts';
import { previewOf, type Preview } from '../plan/preview/preview.ts';
import type { Snapshot } from './decide.ts';
import { planNodes } from './plan-nodes.ts';

/** What profiles with mode Plan would do. Each has a planner of its own: one that plans other profiles in turn remembers nothing. */
export class Previews {
  readonly #planners = new Map<string, Planner>();

  /** `plan` is the one of the same snapshot. Running pods are not looked at: the manager has no right to read them. */
  of(plan: Plan, name: string, snapshot: Snapshot): Preview | undefined {
    const profile = plan.profiles.get(name)?.profile;
    if (!profile) return undefined;
    let planner = this.#planners.get(name);
    if (!planner) this.#planners.set(name, (planner = new Planner()));
    const nodes = planNodes(snapshot);
    return previewOf({
      before: plan,
      after: planner.plan(withCandidates(snapshot.profiles, [profile]), nodes),
      candidates: [name],
      nodes: nodes.map((node) => node.name),
      states: snapshot.states,
      revisions: snapshot.revisions,
    });
  }

  /** Forgets profiles that are gone or enforced now. */
  keepOnly(plan: Plan): void {
    for (const name of this.#planners.keys())
      if (plan.profiles.get(name)?.enforced ?? true) this.#planners.delete(name);
  }
}
