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

/**
 * KEYS: view, grants; ARGV: the view's text, 1 where all grants of before go, how many nodes lose theirs, these nodes, node and revision of each
 * that has another one. At once, and without MULTI, which is in no group of rights that BullMQ needs.
 */
const WRITE = `
local before = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1])
if ARGV[2] == '1' then redis.call('DEL', KEYS[2]) end
local gone = tonumber(ARGV[3])
for i = 4, 3 + gone do redis.call('HDEL', KEYS[2], ARGV[i]) end
for i = 4 + gone, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
return before`;

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
    const gone = [...(there?.keys() ?? [])].filter((node) => !grants.has(node));
    const changed = [...grants].filter(([node, revision]) => there?.get(node) !== revision);
    const keys = [this.#viewKey, this.#grantsKey] as const;
    return redis.eval(WRITE, 2, ...keys, text, there ? 0 : 1, gone.length, ...gone, ...changed.flat());
  }
}

const parsed = (text: string | null): View | undefined =>
  text === null ? undefined : ((JSON.parse(text) as { view?: View }).view ?? {});
