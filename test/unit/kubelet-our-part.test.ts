import { describe, expect, test } from '@jest/globals';
import type { HostFile } from '../../operator/agent/kubelet/host-files.ts';
import type { OurFile } from '../../operator/agent/kubelet/journal.ts';
import { givenBack, textWith } from '../../operator/agent/kubelet/our-part.ts';

const host = (text: string): HostFile => ({ text, mode: 0o600, uid: 0, gid: 0 });
const ORIGINAL = 'kind: KubeletConfiguration\nallowedUnsafeSysctls: [a]\n';
const WRITTEN = 'kind: KubeletConfiguration\nallowedUnsafeSysctls:\n  - "a"\n  - "x"\n';
const main: OurFile = {
  path: '/c',
  kind: 'main',
  original: { ...host(ORIGINAL), mode: 0o640 },
  written: WRITTEN,
  ours: ['x'],
};

describe('the main file that is given back', () => {
  test.each<[string, string, string]>([
    ['as we wrote it: the very bytes of before', WRITTEN, ORIGINAL],
    ['as it was: itself', ORIGINAL, ORIGINAL],
    [
      'edited by others: without our entries',
      `${WRITTEN}port: 1\n`,
      `${ORIGINAL.replace(' [a]', '\n  - "a"')}port: 1\n`,
    ],
    ['edited by others, who took our entries out: itself', 'port: 1\n', 'port: 1\n'],
    [
      'edited by others, who took the list out: itself',
      'allowedUnsafeSysctls: []   # none\n',
      'allowedUnsafeSysctls: []   # none\n',
    ],
    [
      'edited by others, who left only ours in: an empty list',
      'allowedUnsafeSysctls: [x]\n',
      'allowedUnsafeSysctls: []\n',
    ],
  ])('%s', (_, current, expected) => {
    expect(givenBack(main, host(current))?.text).toBe(expected);
  });

  test('has owner and mode of before only where it is that file', () => {
    expect(givenBack(main, host(WRITTEN))?.mode).toBe(0o640);
    expect(givenBack(main, host('port: 1\n'))?.mode).toBe(0o600);
  });

  test('loses the key with our last entry where it had none before us', () => {
    const original = host('kind: KubeletConfiguration\n');
    const edited = host('kind: KubeletConfiguration\nallowedUnsafeSysctls: [x]\nport: 1\n');
    expect(givenBack({ ...main, original }, edited)?.text).toBe('kind: KubeletConfiguration\nport: 1\n');
    const his = host('kind: KubeletConfiguration\nallowedUnsafeSysctls: []\n');
    expect(givenBack({ ...main, original }, his)?.text).toBe(his.text);
  });

  test('is itself where we have never written it, even with the same entries in its list', () => {
    const current = host(WRITTEN);
    expect(givenBack({ path: '/c', kind: 'main', ours: ['x'] }, current)).toBe(current);
  });

  test('does not come back when somebody has deleted it', () => {
    expect(givenBack(main, undefined)).toBeUndefined();
  });

  test('is not guessed at where somebody made it unreadable', () => {
    expect(() => givenBack(main, host('a: [b'))).toThrow('/c');
  });
});

test('a drop-in of ours is given back by taking it away', () => {
  expect(givenBack({ path: '/d', kind: 'dropIn', ours: ['x'] }, host('anything'))).toBeUndefined();
});

describe('the text with a list', () => {
  test('of the main file starts from the file without ours each time', () => {
    expect(textWith(['a', 'y'], main, host(WRITTEN))).toBe(
      'kind: KubeletConfiguration\nallowedUnsafeSysctls:\n  - "a"\n  - "y"\n',
    );
    expect(textWith(undefined, main, host(WRITTEN))).toBe(ORIGINAL);
  });

  test('of a drop-in is that list alone, and no file without one', () => {
    const dropIn: OurFile = { path: '/d', kind: 'dropIn', ours: [] };
    expect(textWith(['a'], dropIn, host('old'))).toMatch(/allowedUnsafeSysctls:\n {2}- "a"\n$/);
    expect(textWith(undefined, dropIn, host('old'))).toBeUndefined();
  });
});
