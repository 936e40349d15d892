import { describe, expect, test } from '@jest/globals';
import type { NodeAction } from '../../operator/manager/node-actions.ts';
import { QueuedWork, REQUEUE_MS } from '../../operator/manager/queued-work.ts';

const work = (uid = 'u'): readonly NodeAction[] => [{ kind: 'setLabels', uid, labels: {} }];

function scene() {
  const actions = new Map([
    ['a', work()],
    ['b', work()],
  ]);
  let now = 0;
  const queued = new QueuedWork(() => now);
  return { actions, queued, later: (ms: number) => void (now += ms) };
}

describe('work for nodes', () => {
  test('is queued once while it is the same', () => {
    const { actions, queued } = scene();
    expect(queued.due(actions)).toEqual(['a', 'b']);
    queued.took(['a', 'b'], actions);
    expect(queued.due(actions)).toEqual([]);
    // Decided anew.
    actions.set('a', work());
    expect(queued.due(actions)).toEqual([]);
  });

  test('is queued again when Redis did not take it', () => {
    const { actions, queued } = scene();
    queued.due(actions);
    expect(queued.due(actions)).toEqual(['a', 'b']);
  });

  test('is queued again when it is another one, or after a while: Redis may have lost it', () => {
    const { actions, queued, later } = scene();
    queued.took(['a', 'b'], actions);
    actions.set('b', work('another'));
    expect(queued.due(actions)).toEqual(['b']);
    later(REQUEUE_MS);
    expect(queued.due(actions)).toEqual(['a', 'b']);
  });

  test('that is done and comes again is new', () => {
    const { actions, queued } = scene();
    queued.took(['a', 'b'], actions);
    const own = actions.get('a') ?? [];
    actions.delete('a');
    queued.due(actions);
    actions.set('a', own);
    expect(queued.due(actions)).toEqual(['a']);
  });
});
