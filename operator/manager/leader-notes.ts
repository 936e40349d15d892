import { randomUUID } from 'node:crypto';
import type { View } from './job.ts';
import type { RedisClient } from './redis.ts';

/** How new the view was that the latest work was found in, and which revision the leader has told which node. */
export interface Notes {
  view: View;
  /**
   * Revision by node, as long as the leader's copies may not show it yet: what is on its way counts against maxUnavailable, also for a leader
   * after this one.
   */
  grants: ReadonlyMap<string, string>;
}

/** The part of them that concerns one node. */
export interface NodeNotes {
  view: View;
  grant: string | undefined;
}

export const NO_NOTES: Notes = { view: {}, grants: new Map() };

/** What the leader writes down beside its jobs: a job that waits keeps the data that it was first added with. */
export class LeaderNotes {
  readonly #viewKey: string;
  readonly #grantsKey: string;
  readonly #writer = randomUUID();
  #writes = 0;
  /** What was written last; undefined where it is not known whether that arrived. Thousands of nodes: only what differs is sent. */
  #there: { text: string; grants: ReadonlyMap<string, string> } | undefined;

  constructor(prefix: string) {
    this.#viewKey = `${prefix}:view`;
    this.#grantsKey = `${prefix}:grants`;
  }

  /** All of them are there once this has resolved, also where Redis has lost what was there before, or somebody else has written since. */
  async write(redis: RedisClient, { view, grants: live }: Notes): Promise<void> {
    // Goes on changing meanwhile.
    const grants = new Map(live);
    const text = JSON.stringify({ view, by: `${this.#writer}/${++this.#writes}` });
    const there = this.#there;
    this.#there = undefined;
    const before = await this.#send(redis, text, there?.grants, grants);
    if (there && before !== there.text) await this.#send(redis, text, undefined, grants);
    this.#there = { text, grants };
  }

  async ofNode(redis: RedisClient, node: string): Promise<NodeNotes> {
    const [view, grant] = await Promise.all([redis.get(this.#viewKey), redis.hget(this.#grantsKey, node)]);
    return { view: parsed(view) ?? {}, grant: grant ?? undefined };
  }

  /** The last ones, whoever wrote them; undefined where there are none. */
  async last(redis: RedisClient): Promise<Notes | undefined> {
    const [text, grants] = await Promise.all([redis.get(this.#viewKey), redis.hgetall(this.#grantsKey)]);
    const view = parsed(text);
    return view && { view, grants: new Map(Object.entries(grants)) };
  }

  /** Resolves with the text that was there before. */
  async #send(
    redis: RedisClient,
    text: string,
    there: ReadonlyMap<string, string> | undefined,
    grants: ReadonlyMap<string, string>,
  ): Promise<unknown> {
    const all = redis.multi().set(this.#viewKey, text, 'GET');
    if (!there) all.del(this.#grantsKey);
    const gone = [...(there?.keys() ?? [])].filter((node) => !grants.has(node));
    if (gone.length > 0) all.hdel(this.#grantsKey, ...gone);
    const changed = [...grants].filter(([node, revision]) => there?.get(node) !== revision);
    if (changed.length > 0) all.hset(this.#grantsKey, Object.fromEntries(changed));
    const results = (await all.exec()) ?? [];
    for (const [error] of results) if (error) throw error;
    return results[0]?.[1];
  }
}

const parsed = (text: string | null): View | undefined =>
  text === null ? undefined : ((JSON.parse(text) as { view?: View }).view ?? {});
