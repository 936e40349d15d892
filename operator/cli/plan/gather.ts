import type { SysctlProfile } from '../../api/profile.ts';
import { OperatorError } from '../../errors.ts';
import { Planner } from '../../plan/plan.ts';
import { withCandidates } from '../../plan/preview/candidates.ts';
import { previewOf, type Preview, type PreviewInput } from '../../plan/preview/preview.ts';
import type { Connection } from '../cluster/connect.ts';
import { readFleet, type Fleet } from '../cluster/fleet.ts';
import { podsOn } from '../cluster/pods.ts';

export interface Planned {
  preview: Preview;
  /** What could not be read, and how the answer is to be taken. */
  notes: string[];
  /** Names of the planned profiles that the cluster does not have yet. */
  fresh: ReadonlySet<string>;
}

const NO_PODS =
  'you may not list pods: whether running pods use the entries that would leave is not known; the agents look before they change a list';

const known = (profiles: readonly SysctlProfile[]): string =>
  profiles.length === 0 ? 'it has none' : `it has ${profiles.map((p) => p.metadata.name).join(', ')}`;

function stored({ profiles }: Fleet, names: readonly string[]): SysctlProfile[] {
  return names.map((name) => {
    const profile = profiles.find((p) => p.metadata.name === name);
    if (profile) return profile;
    throw new OperatorError(
      'Configuration',
      `the cluster has no profile "${name}" (${known(profiles)}); a file is planned with -f FILE`,
    );
  });
}

function modeNotes(candidates: readonly SysctlProfile[], { profiles }: Fleet): string[] {
  return candidates
    .filter((c) => c.spec.mode === 'Plan')
    .map(({ metadata: { name } }) => {
      const now = profiles.find((p) => p.metadata.name === name);
      const withdrawn = now && (now.spec.mode ?? 'Enforce') === 'Enforce';
      const warning = withdrawn
        ? '; in the cluster it is enforced: with mode Plan applied, nodes give up what it gave them'
        : '';
      return `${name} has mode Plan: this is what Enforce would do${warning}`;
    });
}

/** Plans the profiles of a file, or profiles of the cluster by name. Running pods are asked for only where a kubelet's list gets shorter. */
export async function gather(
  connection: Connection,
  wanted: { files: readonly SysctlProfile[]; names: readonly string[] },
): Promise<Planned> {
  const fleet = await readFleet(connection);
  const candidates = [...wanted.files, ...stored(fleet, wanted.names)];
  const input: PreviewInput = {
    before: new Planner().plan(fleet.profiles, fleet.nodes),
    after: new Planner().plan(withCandidates(fleet.profiles, candidates), fleet.nodes),
    candidates: [...new Set(candidates.map((p) => p.metadata.name))],
    nodes: fleet.nodes.map((node) => node.name),
    states: fleet.states,
    revisions: fleet.revisions,
  };
  const notes = [...fleet.notes, ...modeNotes(candidates, fleet)];
  const fresh = new Set(
    input.candidates.filter((name) => !fleet.profiles.some((p) => p.metadata.name === name)),
  );
  const preview = previewOf(input);
  const shrinking = preview.groups.filter((g) => g.kubelet.leave.length > 0).flatMap((g) => g.nodes);
  if (shrinking.length === 0) return { preview, notes, fresh };
  const pods = await podsOn(connection.api, new Set(shrinking));
  if (!pods) return { preview, notes: [...notes, NO_PODS], fresh };
  return { preview: previewOf({ ...input, pods }), notes, fresh };
}
