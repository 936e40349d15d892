import { Planner, type Plan } from '../plan/plan.ts';
import { withCandidates } from '../plan/preview/candidates.ts';
import { previewOf, type Preview } from '../plan/preview/preview.ts';
import type { World } from './decide.ts';
import { planNodes } from './plan-nodes.ts';

/** What profiles with mode Plan would do. Each has a planner of its own: one that plans other profiles in turn remembers nothing. */
export class Previews {
  readonly #planners = new Map<string, Planner>();

  /** `plan` is the one of the same world. Running pods are not looked at: the manager has no right to read them. */
  of(plan: Plan, name: string, world: World): Preview | undefined {
    const profile = plan.profiles.get(name)?.profile;
    if (!profile) return undefined;
    let planner = this.#planners.get(name);
    if (!planner) this.#planners.set(name, (planner = new Planner()));
    const nodes = planNodes(world.nodes, world.states);
    return previewOf({
      before: plan,
      after: planner.plan(withCandidates(world.profiles(), [profile]), nodes),
      candidates: [name],
      nodes: nodes.map((node) => node.name),
      states: world.states,
      revisions: world.revisions,
    });
  }

  /** Forgets profiles that are gone or enforced now. */
  keepOnly(plan: Plan): void {
    for (const name of this.#planners.keys())
      if (plan.profiles.get(name)?.enforced ?? true) this.#planners.delete(name);
  }
}
