import { paths } from '../../api/names.ts';
import type { SysctlProfile } from '../../api/profile.ts';
import type { Revision } from '../../api/revision.ts';
import type { NodeSysctlState } from '../../api/state.ts';
import { OperatorError } from '../../errors.ts';
import type { Connection } from '../cluster/connect.ts';
import { readRevisions } from '../cluster/fleet.ts';
import { ask, listAll, wasStatus } from '../cluster/lists.ts';
import { stateOf } from '../diff/command.ts';

/** What somebody wants to know about. */
export type Subject =
  | { kind: 'profiles' }
  | { kind: 'profile'; name: string }
  | { kind: 'node'; name: string };

/** What the cluster says about it at one moment. What the subject does not need is empty. */
export interface Snapshot {
  profiles: readonly SysctlProfile[];
  states: readonly NodeSysctlState[];
  /** Empty, too, where the user may not read them. */
  revisions: ReadonlyMap<string, Revision>;
}

async function profileNamed({ api }: Connection, name: string): Promise<SysctlProfile> {
  try {
    return await ask<SysctlProfile>(api, `${paths.profiles}/${name}`);
  } catch (error) {
    if (!wasStatus(error, 404)) throw error;
    throw new OperatorError('Configuration', `there is no profile "${name}"`);
  }
}

/** Asks once. Rejects where the profile or the node is not there, and with what a person can do about a refusal. */
export async function look(connection: Connection, subject: Subject): Promise<Snapshot> {
  const { api } = connection;
  switch (subject.kind) {
    case 'profiles': {
      const profiles = await listAll<SysctlProfile>(api, paths.profiles);
      return { profiles, states: [], revisions: new Map() };
    }
    case 'profile': {
      const [profile, states, revisions] = await Promise.all([
        profileNamed(connection, subject.name),
        listAll<NodeSysctlState>(api, paths.states),
        readRevisions(connection, []),
      ]);
      return { profiles: [profile], states, revisions };
    }
    default: {
      const [state, revisions] = await Promise.all([
        stateOf(connection, subject.name),
        readRevisions(connection, []),
      ]);
      return { profiles: [], states: [state], revisions };
    }
  }
}
