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
  /** The grants as they should be in Redis; undefined where that is not known. Thousands of nodes: only what differs is sent. */
  #there: ReadonlyMap<string, string> | undefined;

  constructor(prefix: string) {
    this.#viewKey = `${prefix}:view`;
    this.#grantsKey = `${prefix}:grants`;
  }

  /** All of them are there once this has resolved, also in a Redis that has lost what was there before. */
  async write(redis: RedisClient, { view, grants }: Notes): Promise<void> {
    const there = this.#there;
    this.#there = undefined;
    const count = await this.#send(redis, view, there, grants);
    if (count !== grants.size) await this.#send(redis, view, undefined, grants);
    this.#there = new Map(grants);
  }

  async ofNode(redis: RedisClient, node: string): Promise<NodeNotes> {
    const [view, grant] = await Promise.all([redis.get(this.#viewKey), redis.hget(this.#grantsKey, node)]);
    return { view: parsed(view) ?? {}, grant: grant ?? undefined };
  }

  /** The last ones, whoever wrote them; undefined where there are none. What this replica has written before may have been replaced. */
  async last(redis: RedisClient): Promise<Notes | undefined> {
    this.#there = undefined;
    const [text, grants] = await Promise.all([redis.get(this.#viewKey), redis.hgetall(this.#grantsKey)]);
    const view = parsed(text);
    return view && { view, grants: new Map(Object.entries(grants)) };
  }

  /** Resolves with how many grants there are then. */
  async #send(
    redis: RedisClient,
    view: View,
    there: ReadonlyMap<string, string> | undefined,
    grants: ReadonlyMap<string, string>,
  ): Promise<number> {
    const all = redis.multi().set(this.#viewKey, JSON.stringify(view));
    if (!there) all.del(this.#grantsKey);
    const gone = [...(there?.keys() ?? [])].filter((node) => !grants.has(node));
    if (gone.length > 0) all.hdel(this.#grantsKey, ...gone);
    const changed = [...grants].filter(([node, revision]) => there?.get(node) !== revision);
    if (changed.length > 0) all.hset(this.#grantsKey, Object.fromEntries(changed));
    const results = (await all.hlen(this.#grantsKey).exec()) ?? [];
    for (const [error] of results) if (error) throw error;
    return Number(results.at(-1)?.[1]);
  }
}

const parsed = (view: string | null): View | undefined =>
  view === null ? undefined : (JSON.parse(view) as View);
