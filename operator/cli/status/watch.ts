import type { ObjectMeta } from '../../api/meta.ts';
import { paths } from '../../api/names.ts';
import type { SysctlProfile } from '../../api/profile.ts';
import type { Revision } from '../../api/revision.ts';
import type { NodeSysctlState } from '../../api/state.ts';
import { Reflector } from '../../kube/reflector.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Connection } from '../cluster/connect.ts';
import { readRevisions } from '../cluster/fleet.ts';
import type { Snapshot, Subject } from './look.ts';

/** What changes within this time, in ms, is shown at once: a rollout changes many objects in a moment. */
const TOGETHER_MS = 100;

export interface WatchOptions {
  /** Is told when the connection is lost; the watch goes on by itself. */
  log: Log;
  /** Resolves after so many ms. */
  wait: (ms: number) => Promise<void>;
}

const byName = <T extends { metadata: ObjectMeta }>({ store }: Reflector<T>): T[] =>
  [...store.values()].toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));

/**
 * What the cluster says about a subject, now and each time that it changes, from watches: nothing is asked while nothing changes. Ends
 * when the reader of it ends; losing the API server does not end it.
 */
export async function* watch(
  connection: Connection,
  subject: Subject,
  { log, wait }: WatchOptions,
): AsyncGenerator<Snapshot, never> {
  let changed = Promise.withResolvers<void>();
  const follow = <T extends { metadata: ObjectMeta }>(path: string, name?: string): Reflector<T> =>
    new Reflector<T>({
      api: connection.api,
      path,
      ...(name !== undefined && { query: { fieldSelector: `metadata.name=${name}` } }),
      onChange: () => changed.resolve(),
      onSynced: () => changed.resolve(),
      log,
    });
  const ofProfile = subject.kind === 'profile' ? subject.name : undefined;
  const ofNode = subject.kind === 'node' ? subject.name : undefined;
  const profiles = ofNode === undefined ? follow<SysctlProfile>(paths.profiles, ofProfile) : undefined;
  const states = subject.kind === 'profiles' ? undefined : follow<NodeSysctlState>(paths.states, ofNode);
  const followed = [profiles, states].filter((one) => one !== undefined);

  let revisions: ReadonlyMap<string, Revision> = new Map();
  /** They never change: they are read again only when a node is told to have one that is not known. */
  const readAgain = async (snapshot: readonly NodeSysctlState[]): Promise<void> => {
    if (snapshot.every((s) => revisions.has(s.spec.revision))) return;
    revisions = await readRevisions(connection, []).catch(() => revisions);
  };

  const stop = new AbortController();
  const running = followed.map((one) => one.run(stop.signal));
  try {
    for (;;) {
      await changed.promise;
      changed = Promise.withResolvers();
      await wait(TOGETHER_MS);
      if (!followed.every((one) => one.synced)) continue;
      const seen = states ? byName(states) : [];
      await readAgain(seen);
      yield { profiles: profiles ? byName(profiles) : [], states: seen, revisions };
    }
  } finally {
    stop.abort();
    await Promise.all(running);
  }
}
