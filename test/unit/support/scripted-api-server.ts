import type { ApiRequest, ApiServer } from '../../../operator/kube/api-server.ts';

export interface Item {
  metadata: { name: string; uid?: string; resourceVersion: string };
  value?: string;
}

/** One answer: to a list or, with `events`, to a watch. */
export type Step =
  | { list: Item[]; version: string; next?: string }
  | { fail: Error }
  | { events: unknown[]; ends?: 'end' | 'hang' | Error };

export const item = (name: string, version: number, value = ''): Item => ({
  metadata: { name, uid: `uid-${name}`, resourceVersion: String(version) },
  value,
});
export const event = (type: string, object: Item): { type: string; object: Item } => ({ type, object });
export const bookmark = (version: number): unknown => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: String(version) } },
});

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Answers requests one after the other as the script says; after its end every watch stays open and every list fails. */
export class ScriptedApiServer implements ApiServer {
  readonly calls: { kind: 'list' | 'watch'; query: Record<string, string>; at: number }[] = [];
  readonly #script: Step[];

  constructor(...script: Step[]) {
    this.#script = script;
  }

  /** Kind and, for a watch, the version that it resumes from. */
  get story(): string[] {
    return this.calls.map(({ kind, query }) =>
      kind === 'watch' ? `watch ${query['resourceVersion']}` : `list ${query['continue'] ?? ''}`.trim(),
    );
  }

  async request<T>({ query = {} }: ApiRequest): Promise<T> {
    this.calls.push({ kind: 'list', query, at: performance.now() });
    const step = this.#script.shift();
    if (step && 'fail' in step) throw step.fail;
    if (!step || !('list' in step)) throw new Error('the script has no list here');
    const { list: items, version: resourceVersion, next } = step;
    return { items, metadata: { resourceVersion, ...(next && { continue: next }) } } as T;
  }

  async *watch<T>(_path: string, query: Record<string, string>, signal: AbortSignal): AsyncIterable<T> {
    this.calls.push({ kind: 'watch', query, at: performance.now() });
    const step = this.#script.shift() ?? { events: [], ends: 'hang' };
    if ('fail' in step) throw step.fail;
    if (!('events' in step)) throw new Error('the script has no watch here');
    for (const one of step.events) yield one as T;
    if (step.ends instanceof Error) throw step.ends;
    if (step.ends === 'hang') {
      await aborted(signal);
      throw new Error('This operation was aborted');
    }
  }
}
