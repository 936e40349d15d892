import { beforeEach, describe, expect, test } from '@jest/globals';
import type { KubeletStatus } from '../../operator/api/state.ts';
import { KubeletLane } from '../../operator/agent/kubelet-lane.ts';
import type { KubeletManager } from '../../operator/agent/kubelet/types.ts';
import { NodeEvents } from '../../operator/agent/node-events.ts';
import type { EventDraft } from '../../operator/kube/events.ts';
import { recordingLog, stateOf } from './support/agent-fakes.ts';

const synced = (...list: string[]): KubeletStatus => ({ state: 'Synced', allowedUnsafeSysctls: list });

/** A kubelet part that answers what it is told to, and keeps what it was asked. */
class StubManager implements KubeletManager {
  readonly asked: string[] = [];
  recovery: Error | undefined;
  answer: KubeletStatus | Error = synced('kernel.sem');

  recover(): Promise<void> {
    this.asked.push('recover');
    return this.recovery ? Promise.reject(this.recovery) : Promise.resolve();
  }

  reconcile(wanted: readonly string[]): Promise<KubeletStatus> {
    return this.#tell(`reconcile ${wanted.join(' ')}`);
  }

  refresh(): Promise<KubeletStatus> {
    return this.#tell('refresh');
  }

  #tell(what: string): Promise<KubeletStatus> {
    this.asked.push(what);
    return this.answer instanceof Error ? Promise.reject(this.answer) : Promise.resolve(this.answer);
  }
}

let manager: StubManager;
let loads: number;
let loading: Error | undefined;
let touched: boolean;
let events: EventDraft[];
let log: ReturnType<typeof recordingLog>;
let lane: KubeletLane;

beforeEach(() => {
  manager = new StubManager();
  [loads, loading, touched, events, log] = [0, undefined, false, [], recordingLog()];
  const told = new NodeEvents({ record: (draft) => void events.push(draft) }, recordingLog());
  told.regard(stateOf('r'));
  lane = new KubeletLane({
    load: () => {
      loads++;
      return loading ? Promise.reject(loading) : Promise.resolve(manager);
    },
    touched: () => touched,
    events: told,
    log,
  });
});

const notes = (): string[] => events.map(({ type, reason, note }) => `${type} ${reason}: ${note}`);
const errors = (): string[] =>
  log.lines.filter(({ level }) => level === 'error').map(({ message }) => message);

describe('the kubelet part is loaded', () => {
  test('not where nothing is wanted and nothing of ours is there', async () => {
    expect(await lane.configure([])).toEqual({ state: 'Unmanaged' });
    await lane.refresh();
    expect([loads, notes()]).toEqual([0, []]);
  });

  test('where something of ours is there, though nothing is wanted', async () => {
    touched = true;
    manager.answer = { state: 'Unmanaged' };
    await lane.configure([]);
    expect(manager.asked).toEqual(['recover', 'reconcile ']);
  });

  test('once, and what was cut short is finished before anything is wanted', async () => {
    await lane.configure(['kernel.sem']);
    await lane.configure(['net.*']);
    await lane.configure([]);
    expect([loads, manager.asked]).toEqual([
      1,
      ['recover', 'reconcile kernel.sem', 'reconcile net.*', 'reconcile '],
    ]);
  });

  test('before the first revision, where something of ours is there: the API server may be away for long', async () => {
    await lane.refresh();
    expect(loads).toBe(0);
    touched = true;
    await lane.refresh();
    await lane.refresh();
    expect([loads, manager.asked, lane.status]).toEqual([1, ['recover'], undefined]);
  });
});

describe('a look again', () => {
  test('goes to the kubelet part, and its status is the status', async () => {
    await lane.configure(['kernel.sem']);
    manager.answer = { state: 'Held', message: 'kept' };
    await lane.refresh();
    expect([manager.asked.at(-1), lane.status]).toEqual(['refresh', { state: 'Held', message: 'kept' }]);
  });

  test('does nothing once the kubelet has its own list back', async () => {
    manager.answer = { state: 'Unmanaged' };
    await lane.configure(['kernel.sem']);
    await lane.refresh();
    expect(manager.asked).not.toContain('refresh');
  });

  test('tries the whole list again where the kubelet part could not be loaded or not recover; told once', async () => {
    loading = new Error('no such module');
    expect(await lane.configure(['kernel.sem'])).toEqual({ state: 'Failed', message: 'no such module' });
    loading = undefined;
    manager.recovery = new Error('kubelet.json cannot be read');
    await lane.refresh();
    await lane.refresh();
    expect(lane.status).toEqual({ state: 'Failed', message: 'kubelet.json cannot be read' });
    expect(errors()).toEqual([
      'the kubelet was not configured: no such module',
      'the kubelet was not configured: kubelet.json cannot be read',
    ]);
    manager.recovery = undefined;
    await lane.refresh();
    expect([lane.status, manager.asked.at(-1)]).toEqual([synced('kernel.sem'), 'reconcile kernel.sem']);
  });

  test('tells the same error again after it had gone', async () => {
    await lane.configure(['kernel.sem']);
    for (const answer of [new Error('x'), new Error('x'), synced(), new Error('x')]) {
      manager.answer = answer;
      await lane.refresh();
    }
    expect(errors()).toHaveLength(2);
  });

  test('before the first revision does not end with what cannot be recovered', async () => {
    touched = true;
    manager.recovery = new Error('kubelet.json cannot be read');
    await lane.refresh();
    await lane.refresh();
    expect(errors()).toEqual(['the kubelet was not configured: kubelet.json cannot be read']);
  });
});

const after = async (...answers: KubeletStatus[]): Promise<string[]> => {
  for (const answer of answers) {
    manager.answer = answer;
    await lane.configure(['kernel.sem']);
  }
  return notes();
};

describe('what is told of it', () => {
  test.each<[string, KubeletStatus[], string[]]>([
    [
      'a list',
      [synced('kernel.sem', 'net.*')],
      ['Normal KubeletConfigured: the kubelet allows kernel.sem, net.*'],
    ],
    ['an empty list', [synced()], ['Normal KubeletConfigured: the kubelet allows no unsafe sysctls']],
    ['the same list again', [synced('a'), synced('a')], ['Normal KubeletConfigured: the kubelet allows a']],
    [
      'another list',
      [synced('a'), synced('b')],
      ['Normal KubeletConfigured: the kubelet allows a', 'Normal KubeletConfigured: the kubelet allows b'],
    ],
    [
      'a failure, once',
      [
        { state: 'Failed', message: 'no' },
        { state: 'Failed', message: 'no' },
      ],
      ['Warning KubeletFailed: no'],
    ],
    [
      'an unsupported kubelet',
      [{ state: 'Unsupported', message: 'k3s' }],
      ['Warning KubeletUnsupported: k3s'],
    ],
    ['a hold', [{ state: 'Held', message: 'kept for a/b' }], ['Normal KubeletHeld: kept for a/b']],
    ['a kubelet that is not there', [{ state: 'Pending', message: 'wait' }], []],
    [
      'the end',
      [{ state: 'Held', message: 'kept' }, { state: 'Unmanaged' }],
      ['Normal KubeletHeld: kept', 'Normal KubeletRestored: the kubelet has its own list back'],
    ],
    ['nothing to begin with', [{ state: 'Unmanaged' }], []],
  ])('%s', async (_, answers, expected) => {
    expect(await after(...answers)).toEqual(expected);
  });
});
