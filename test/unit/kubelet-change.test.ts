import { describe, expect, test } from '@jest/globals';
import { changeOf, missing, without, type ChangeInput } from '../../operator/agent/kubelet/change.ts';

const change = (input: Partial<ChangeInput>): ReturnType<typeof changeOf> =>
  changeOf({ wanted: [], base: [], live: [], ours: [], running: [], ...input });
const pod = (name: string, ...sysctls: string[]): ChangeInput['running'][number] => ({ pod: name, sysctls });

describe("the change of the kubelet's list", () => {
  test.each<[string, Partial<ChangeInput>, object]>([
    [
      'nothing wanted, nothing ours',
      { base: ['b'], live: ['b'] },
      { list: undefined, ours: [], restart: false },
    ],
    [
      'a new entry: beside what was there, one restart',
      { wanted: ['w'], base: ['b'], live: ['b'] },
      { list: ['b', 'w'], ours: ['w'], restart: true },
    ],
    [
      'an entry that the kubelet has by itself: nothing',
      { wanted: ['b'], base: ['b'], live: ['b'] },
      { list: undefined, ours: [], restart: false },
    ],
    [
      'the same in the other spelling: nothing',
      { wanted: ['net/core/somaxconn'], base: ['net.core.somaxconn'], live: ['net.core.somaxconn'] },
      { list: undefined, ours: [], restart: false },
    ],
    [
      'an entry that the files have, but the running kubelet does not: a restart',
      { wanted: ['b'], base: ['b'], live: [] },
      { list: undefined, ours: [], restart: true },
    ],
    [
      'an entry that runs, but is in no file any more: written without a restart',
      { wanted: ['w'], live: ['w'], ours: ['w'] },
      { list: ['w'], ours: ['w'], restart: false },
    ],
    [
      'an entry of ours that nobody wants: out, with a restart',
      { wanted: ['w'], base: ['b'], live: ['b', 'w', 'x'], ours: ['w', 'x'] },
      { list: ['b', 'w'], ours: ['w'], restart: true },
    ],
    [
      'the last entry of ours: no list of ours is left',
      { base: ['b'], live: ['b', 'x'], ours: ['x'] },
      { list: undefined, ours: [], restart: true },
    ],
    [
      'an entry of ours that the kubelet does not have: no restart for that',
      { base: ['b'], live: ['b'], ours: ['x'] },
      { list: undefined, ours: [], restart: false },
    ],
    [
      'an entry of ours that the platform allows by now: it stays, and is theirs',
      { base: ['x'], live: ['x'], ours: ['x'] },
      { list: undefined, ours: [], restart: false },
    ],
    [
      'what is live but neither ours nor in a file: none of our business',
      { base: ['b'], live: ['b', 'foreign'] },
      { list: undefined, ours: [], restart: false },
    ],
    ['an entry twice: once', { wanted: ['w', 'w'] }, { list: ['w'], ours: ['w'], restart: true }],
  ])('%s', (_, input, expected) => {
    expect(change(input)).toEqual({ holds: [], ...expected });
  });

  test('holds an entry that a running pod needs, and says for which', () => {
    const running = [
      pod('a/one', 'kernel.msgmax'),
      pod('a/two', 'kernel.sem', 'kernel.msgmnb'),
      pod('a/three'),
    ];
    expect(change({ base: ['b'], live: ['b', 'kernel.msg*'], ours: ['kernel.msg*'], running })).toEqual({
      list: ['b', 'kernel.msg*'],
      ours: ['kernel.msg*'],
      holds: [{ entry: 'kernel.msg*', pods: ['a/one', 'a/two'] }],
      restart: false,
    });
  });

  test.each<[string, Partial<ChangeInput>]>([
    [
      'the kubelet has another entry for it',
      { base: ['net.core.*'], live: ['net.core.*', 'net.core.somaxconn'] },
    ],
    ['another entry for it is wanted', { wanted: ['net.*'], live: ['net.*', 'net.core.somaxconn'] }],
  ])('does not hold an entry where %s', (_, input) => {
    const held = change({
      ours: ['net.core.somaxconn'],
      running: [pod('a/b', 'net.core.somaxconn')],
      ...input,
    });
    expect(held).toMatchObject({ holds: [], restart: true });
  });

  test('does not hold an entry for a sysctl that every pod may set', () => {
    const running = [pod('a/b', 'net.ipv4.tcp_syncookies')];
    expect(change({ live: ['net.ipv4.tcp_*'], ours: ['net.ipv4.tcp_*'], running }).holds).toEqual([]);
  });

  test('restarts for one that leaves while another is held', () => {
    const running = [pod('a/b', 'kernel.sem')];
    const both = ['kernel.sem', 'kernel.msgmax'];
    expect(change({ live: both, ours: both, running })).toMatchObject({
      list: ['kernel.sem'],
      ours: ['kernel.sem'],
      restart: true,
    });
  });
});

test('missing and without compare entries as the kubelet does', () => {
  expect(missing(['net/core/somaxconn', 'x'], ['net.core.somaxconn'])).toEqual(['x']);
  expect(without(['net.core.somaxconn', 'x'], ['net/core/somaxconn'])).toEqual(['x']);
});
