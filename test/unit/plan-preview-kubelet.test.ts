import { describe, expect, test } from '@jest/globals';
import { holding, only } from './support/preview.ts';
import { profile } from './support/profiles.ts';

const allowing = (...patterns: string[]): ReturnType<typeof profile> =>
  profile('pods', { pods: { allowedUnsafeSysctls: patterns } });
const synced = (...list: string[]) => ({
  kubelet: { state: 'Synced' as const, allowedUnsafeSysctls: list },
});
const pod = (name: string, ...sysctls: string[]) => ({ pod: `shop/${name}`, sysctls });

describe('the kubelet', () => {
  test('without an agent restarts unless its list has the entry, which nobody has read', () => {
    expect(only({ candidates: [allowing('kernel.msg*')] }).kubelet).toEqual({
      add: ['kernel.msg*'],
      leave: [],
      held: [],
      restart: 'unread',
    });
  });

  test('restarts for an entry that its live list lacks', () => {
    const own = allowing('kernel.msg*');
    const more = allowing('kernel.msg*', 'net.core.somaxconn');
    const states = [holding('a', [own])];
    expect(only({ stored: [own], candidates: [more], states }).kubelet).toMatchObject({
      add: ['net.core.somaxconn'],
      restart: 'yes',
    });
  });

  test('does not restart for what its own configuration allows already', () => {
    const states = [holding('a', [], synced('kernel.msg*'))];
    const group = only({ candidates: [allowing('kernel.msg*')], states });
    expect(group).toMatchObject({ change: false, kubelet: { add: [], restart: 'no' } });
  });

  test('of a kind that cannot be configured is told with the reason', () => {
    const kubelet = { state: 'Unsupported' as const, message: 'no unit', allowedUnsafeSysctls: [] };
    const states = [holding('a', [], { kubelet })];
    expect(only({ candidates: [allowing('kernel.msg*')], states }).kubelet.problem).toBe('no unit');
  });
});

describe('an entry that leaves the list', () => {
  const was = allowing('kernel.msg*', 'net.core.somaxconn');
  const shorter = { stored: [was], candidates: [allowing('net.core.somaxconn')] };
  const states = [holding('a', [was])];

  test('restarts the kubelet where no running pod uses it', () => {
    const pods = { a: [pod('web', 'net.core.somaxconn')] };
    expect(only({ ...shorter, states, pods }).kubelet).toEqual({
      add: [],
      leave: ['kernel.msg*'],
      held: [],
      restart: 'yes',
    });
  });

  test('is held for the running pods that the restart would kill', () => {
    const pods = { a: [pod('web', 'net.core.somaxconn'), pod('db', 'kernel.msgmax')] };
    expect(only({ ...shorter, states, pods }).kubelet).toMatchObject({
      held: [{ entry: 'kernel.msg*', pods: ['shop/db'] }],
      restart: 'no',
    });
  });

  test('is not held for a pod that another entry of the list lets run', () => {
    const wider = [holding('a', [was], synced('kernel.msg*', 'kernel.msgmax', 'net.core.somaxconn'))];
    const pods = { a: [pod('db', 'kernel.msgmax')] };
    expect(only({ ...shorter, states: wider, pods }).kubelet.held).toEqual([]);
  });

  test('is not held for a safe sysctl, which needs no entry', () => {
    const all = allowing('net.ipv4.*');
    const pods = { a: [pod('web', 'net.ipv4.tcp_syncookies')] };
    const scene = { stored: [all], candidates: [allowing()], states: [holding('a', [all])], pods };
    expect(only(scene).kubelet).toMatchObject({ leave: ['net.ipv4.*'], held: [], restart: 'yes' });
  });
});
