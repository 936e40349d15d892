import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { Reflector, type ReflectorOptions } from '../../operator/kube/reflector.ts';
import { apiError, recordingLog, until, type LogLine } from './support/agent-fakes.ts';
import {
  bookmark,
  event,
  item,
  ScriptedApiServer,
  type Item,
  type Step,
} from './support/scripted-api-server.ts';

const gone = apiError(410);
const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
const list = (version: number, ...items: Item[]): Step => ({ list: items, version: String(version) });
const open: Step = { events: [], ends: 'hang' };

describe('a reflector', () => {
  let stop: AbortController;
  let running: Promise<void> | undefined;
  let changes: string[];
  let lines: LogLine[];
  let synced: number;
  beforeEach(() => {
    // Every wait is 1 % of what it can be.
    jest.spyOn(Math, 'random').mockReturnValue(0.01);
    stop = new AbortController();
    changes = [];
    lines = [];
    synced = 0;
  });
  afterEach(async () => {
    stop.abort();
    await running;
    jest.restoreAllMocks();
  });

  const follow = (script: Step[], more: Partial<ReflectorOptions<Item>> = {}) => {
    const api = new ScriptedApiServer(...script);
    const reflector = new Reflector<Item>({
      api,
      path: '/items',
      log: recordingLog(lines),
      onChange: (name, object) =>
        void changes.push(
          object ? `${name}=${object.value ?? ''}@${object.metadata.resourceVersion}` : `-${name}`,
        ),
      onSynced: () => void synced++,
      baseDelayMs: 10,
      ...more,
    });
    running = reflector.run(stop.signal);
    return { api, reflector, names: () => [...reflector.store.keys()].toSorted() };
  };

  test('lists in pages and watches from the version of the last one', async () => {
    const { api, names } = follow(
      [
        { list: [item('a', 1), item('b', 2)], version: '5', next: 'page-2' },
        { list: [item('c', 3)], version: '5', next: 'page-3' },
        { list: [], version: '6' },
        open,
      ],
      { pageSize: 2, query: { fieldSelector: 'x=y' } },
    );
    await until(() => api.calls.length >= 4);
    expect(api.story).toEqual(['list', 'list page-2', 'list page-3', 'watch 6']);
    expect(names()).toEqual(['a', 'b', 'c']);
    expect(api.calls[1]?.query).toEqual({ limit: '2', continue: 'page-2', fieldSelector: 'x=y' });
    expect(api.calls[3]?.query).toMatchObject({ fieldSelector: 'x=y', allowWatchBookmarks: 'true' });
  });

  test('is synced once, after the whole list and not before', async () => {
    const seen: boolean[] = [];
    const { api, reflector } = follow(
      [
        { list: [item('a', 1)], version: '5', next: 'more' },
        list(5, item('b', 2)),
        { events: [], ends: gone },
        list(9),
        open,
      ],
      { onChange: () => void seen.push(reflector.synced) },
    );
    await until(() => api.calls.length >= 5);
    expect(seen.slice(0, 2)).toEqual([false, false]);
    expect(reflector.synced).toBe(true);
    expect(synced).toBe(1);
  });

  test('is synced by an empty collection too', async () => {
    const { reflector } = follow([list(5), open]);
    await until(() => synced === 1);
    expect(reflector.store.size).toBe(0);
  });

  test('tells what came, changed and went', async () => {
    const { names } = follow([
      list(5, item('a', 1), item('b', 2)),
      {
        events: [
          event('ADDED', item('c', 6, 'new')),
          event('MODIFIED', item('a', 7, 'other')),
          event('DELETED', item('b', 8)),
        ],
        ends: 'hang',
      },
    ]);
    await until(() => changes.length === 5);
    expect(changes).toEqual(['a=@1', 'b=@2', 'c=new@6', 'a=other@7', '-b']);
    expect(names()).toEqual(['a', 'c']);
  });

  test('goes on from the last event or bookmark after the server ends a watch', async () => {
    const { api } = follow([
      list(5),
      { events: [event('ADDED', item('a', 6)), bookmark(40)], ends: 'end' },
      { events: [event('DELETED', item('a', 41))], ends: 'end' },
      open,
    ]);
    await until(() => api.calls.length >= 4);
    expect(api.story).toEqual(['list', 'watch 5', 'watch 40', 'watch 41']);
    expect(changes).toEqual(['a=@6', '-a']);
    expect(lines.filter((l) => l.level === 'warn')).toEqual([]);
  });

  test.each<[string, Step]>([
    ['the answer 410', { fail: gone }],
    [
      'an ERROR event of code 410',
      {
        events: [{ type: 'ERROR', object: { code: 410, reason: 'Expired', message: 'too old' } }],
        ends: 'end',
      },
    ],
  ])('lists again after %s, and tells only what changed meanwhile', async (_, step) => {
    const { api, names } = follow([
      list(5, item('same', 1), item('changed', 2), item('gone', 3)),
      step,
      list(90, item('same', 1), item('changed', 80), item('new', 81)),
      open,
    ]);
    await until(() => api.calls.length >= 4);
    expect(api.story).toEqual(['list', 'watch 5', 'list', 'watch 90']);
    expect(changes.slice(3)).toEqual(['changed=@80', 'new=@81', '-gone']);
    expect(names()).toEqual(['changed', 'new', 'same']);
  });

  test('lists from the start where a page has expired', async () => {
    const { api, names } = follow([
      { list: [item('a', 1)], version: '5', next: 'page-2' },
      { fail: gone },
      list(9, item('b', 8)),
      open,
    ]);
    await until(() => api.calls.length >= 4);
    expect(api.story).toEqual(['list', 'list page-2', 'list', 'watch 9']);
    expect(names()).toEqual(['b']);
  });

  test('an object that was deleted and made again in between is told, even under the same version', async () => {
    const again: Item = { metadata: { name: 'a', uid: 'another', resourceVersion: '1' } };
    const { api } = follow([list(5, item('a', 1)), { fail: gone }, list(9, again), open]);
    await until(() => api.calls.length >= 4);
    expect(changes).toEqual(['a=@1', 'a=@1']);
  });

  test.each([
    ['a reset connection', reset],
    ['status 403', apiError(403)],
    ['status 500', apiError(500)],
    ['a line that is no JSON', new SyntaxError('Unexpected token')],
  ])('goes on after %s in the middle of a watch, from where it was', async (_, error) => {
    const { api } = follow([
      list(5, item('a', 1)),
      { events: [event('MODIFIED', item('a', 6))], ends: error },
      { fail: error },
      { events: [event('MODIFIED', item('a', 7))], ends: 'hang' },
    ]);
    await until(() => changes.length === 3);
    expect(api.story).toEqual(['list', 'watch 5', 'watch 6', 'watch 6']);
    expect(lines.filter((l) => l.level === 'warn')).toHaveLength(2);
  });

  test.each([
    ['a reset connection', reset],
    ['status 403', apiError(403)],
    ['status 404', apiError(404)],
  ])('goes on after %s at its first list', async (_, error) => {
    const { api, names } = follow([{ fail: error }, { fail: error }, list(5, item('a', 1)), open]);
    await until(() => synced === 1);
    expect(names()).toEqual(['a']);
    expect(api.story.slice(0, 3)).toEqual(['list', 'list', 'list']);
  });

  test('waits as long as the server asks for', async () => {
    const { api } = follow([{ fail: apiError(429, 60) }, list(5), open]);
    await until(() => api.calls.length >= 2);
    const [first, second] = api.calls.map((call) => call.at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(58);
  });

  test('does not come back at the very moment that the server named to everybody', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.9);
    const { api } = follow([{ fail: apiError(429, 60) }, list(5), open], { baseDelayMs: 100 });
    await until(() => api.calls.length >= 2);
    const [first, second] = api.calls.map((call) => call.at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(145);
  });

  test.each<[string, Step]>([
    ['finds every version too old', { fail: gone }],
    ['ends every watch after one event', { events: [bookmark(6)], ends: 'end' }],
  ])('asks less often where the server %s', async (_, step) => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const rounds = Array.from({ length: 200 }, () => ('fail' in step ? [list(5), step] : [step])).flat();
    const { api } = follow([list(5), ...rounds], { baseDelayMs: 60 });
    await sleep(330);
    const watches = api.calls.filter(({ kind }) => kind === 'watch');
    // 30 ms between two watches with events; 30, 60, 120 and 240 ms where there is no progress.
    expect(watches.length).toBeGreaterThan(2);
    expect(watches.length).toBeLessThan('fail' in step ? 6 : 13);
  });

  test('waits longer and longer where the server ends every watch at once', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.2);
    const atOnce = Array.from({ length: 100 }, (): Step => ({ events: [], ends: 'end' }));
    const { api } = follow([list(5), ...atOnce], { baseDelayMs: 100 });
    await sleep(350);
    // Waits of 20, 40, 80, 160 ms.
    expect(api.calls.length).toBeGreaterThan(3);
    expect(api.calls.length).toBeLessThan(8);
    expect(lines[0]).toMatchObject({ level: 'warn', error: 'the server ended the watch at once' });
  });

  test('starts with a short wait again once events came', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    const failing = Array.from({ length: 5 }, (): Step => ({ fail: reset }));
    const { api } = follow(
      [
        list(5),
        ...failing,
        { events: [event('ADDED', item('a', 6))], ends: reset },
        { events: [], ends: 'hang' },
      ],
      { baseDelayMs: 10 },
    );
    await until(() => api.calls.length >= 8);
    const wait = (i: number) => (api.calls[i + 1]?.at ?? 0) - (api.calls[i]?.at ?? 0);
    expect(wait(5)).toBeGreaterThan(70);
    expect(wait(6)).toBeLessThan(40);
  });

  test('gives up a watch that outlives its own timeout', async () => {
    const { api } = follow([list(5), open, open], { watchSeconds: 0, graceMs: 30 });
    await until(() => api.calls.length >= 3);
    expect(api.story).toEqual(['list', 'watch 5', 'watch 5']);
  });

  test('keeps what it is told to keep of an object', async () => {
    const { reflector } = follow([list(5, item('a', 1, 'long')), open], {
      transform: (object: Item): Item => ({ metadata: object.metadata, value: 'short' }),
    });
    await until(() => synced === 1);
    expect(reflector.store.get('a')?.value).toBe('short');
    expect(changes).toEqual(['a=short@1']);
  });

  test('outlives a handler that throws, and says so', async () => {
    const { names } = follow([list(5, item('a', 1), item('b', 2)), open], {
      onChange: () => {
        throw new Error('handler bug');
      },
    });
    await until(() => synced === 1);
    expect(names()).toEqual(['a', 'b']);
    expect(lines).toMatchObject([
      { level: 'error', message: expect.stringContaining('handler bug') },
      { level: 'error' },
    ]);
  });

  test('ends when it is aborted, while it watches and while it waits', async () => {
    const { api } = follow([list(5), open]);
    await until(() => api.calls.length >= 2);
    stop.abort();
    await running;
    const calls = api.calls.length;
    await sleep(20);
    expect(api.calls).toHaveLength(calls);
    expect(lines.filter((l) => l.level === 'warn')).toEqual([]);
    stop = new AbortController();
    follow([{ fail: apiError(429, 60_000) }]);
    await sleep(10);
    stop.abort();
    await expect(running).resolves.toBeUndefined();
  });

  test('says how new its copy is, by what came to it and by what the server confirmed', async () => {
    const { reflector } = follow([
      list(9, item('a', 2), item('b', 7)),
      { events: [event('MODIFIED', item('a', 11)), bookmark(15)], ends: 'hang' },
    ]);
    await until(() => reflector.version === '15');
    expect(reflector.newest).toBe('11');
  });

  test('knows of an object that went while it was not looking only that it went before the list', async () => {
    const { reflector } = follow([
      list(9, item('a', 2), item('b', 7)),
      { fail: gone },
      list(100, item('a', 2)),
      open,
    ]);
    await until(() => reflector.version === '100');
    expect(reflector.newest).toBe('100');
  });

  test('asked to be fresh, lists again in the middle of a watch and goes on', async () => {
    const { api, reflector } = follow([list(1, item('a', 1)), open, list(5, item('a', 4)), open]);
    await until(() => api.calls.length === 2);
    await reflector.freshSince(performance.now(), stop.signal);
    expect(reflector.store.get('a')?.metadata.resourceVersion).toBe('4');
    await until(() => api.calls.length === 4);
    expect(api.story).toEqual(['list', 'watch 1', 'list', 'watch 5']);
    expect(lines.filter(({ level }) => level !== 'debug')).toEqual([]);
  });

  test('is fresh enough with a list that began later', async () => {
    const asked = performance.now();
    const { api, reflector } = follow([list(1, item('a', 1)), open]);
    await reflector.freshSince(asked, stop.signal);
    await until(() => api.calls.length === 2);
    expect(api.story).toEqual(['list', 'watch 1']);
  });

  test('a list that began before it was asked to be fresh does not count', async () => {
    const { api, reflector } = follow([
      { list: [item('a', 1)], version: '1', next: 'page-2' },
      list(1, item('b', 1)),
      list(2, item('b', 2)),
      open,
    ]);
    await reflector.freshSince(performance.now(), stop.signal);
    await until(() => api.calls.length === 4);
    expect(api.story).toEqual(['list', 'list page-2', 'list', 'watch 2']);
    expect([...reflector.store.keys()]).toEqual(['b']);
  });
});
