import { chmodSync, lstatSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { HostFiles } from '../../operator/agent/kubelet/host-files.ts';
import { FakeNode } from './support/kubelet-node.ts';

let node: FakeNode;
let host: HostFiles;
beforeEach(() => {
  node = new FakeNode();
  host = new HostFiles(node.root);
});
afterEach(() => node.destroy());

describe("paths of the node are followed below the node's root", () => {
  test.each([
    ['no link', [], '/etc/k/c.yaml', '/etc/k/c.yaml'],
    ['an absolute link to the file', [['/c.yaml', '/etc/k/c.yaml']], '/c.yaml', '/etc/k/c.yaml'],
    ['a relative link to the file', [['/etc/k/l', 'c.yaml']], '/etc/k/l', '/etc/k/c.yaml'],
    ['a relative link upwards', [['/var/k/l', '../../etc/k/c.yaml']], '/var/k/l', '/etc/k/c.yaml'],
    ['an absolute link of a folder', [['/conf', '/etc/k']], '/conf/c.yaml', '/etc/k/c.yaml'],
    ['a relative link of a folder', [['/etc/l', 'k']], '/etc/l/c.yaml', '/etc/k/c.yaml'],
    [
      'a chain of links',
      [
        ['/a', '/b'],
        ['/b', 'd/e'],
        ['/d/e', '/etc'],
      ],
      '/a/k/c.yaml',
      '/etc/k/c.yaml',
    ],
    ['more ".." than there are folders', [['/l', '../../../../etc']], '/l/k/c.yaml', '/etc/k/c.yaml'],
    ['".." behind a link: that of its target', [['/var/l', '/etc/k']], '/var/l/../k/c.yaml', '/var/k/c.yaml'],
    ['a link whose target is not there', [['/l', '/gone/x']], '/l', '/gone/x'],
    ['a path behind a file', [], '/etc/k/c.yaml/x', '/etc/k/c.yaml/x'],
  ] as [string, [string, string][], string, string][])('%s', (_, links, path, expected) => {
    node.file('/etc/k/c.yaml', 'x');
    for (const [from, to] of links) node.link(from, to);
    expect(host.locate(path)).toBe(node.at(expected));
  });

  test('a loop of links ends with an error that names the path', () => {
    node.link('/a', '/b/x');
    node.link('/b', 'a');
    expect(() => host.read('/a/file')).toThrow('/a/file: too many symbolic links');
  });

  test('what is written to a link is written to its target, and the link stays', () => {
    node.file('/usr/share/c.yaml', 'old');
    node.link('/etc/c.yaml', '/usr/share/c.yaml');
    host.write('/etc/c.yaml', 'new', host.read('/etc/c.yaml'));
    expect(node.text('/usr/share/c.yaml')).toBe('new');
    expect(lstatSync(node.at('/etc/c.yaml')).isSymbolicLink()).toBe(true);
  });
});

describe('reading', () => {
  test('gives the text with mode and owner, and nothing where there is no file', () => {
    node.file('/c', 'ü\r\n');
    chmodSync(node.at('/c'), 0o640);
    const { uid, gid } = statSync(node.at('/c'));
    expect(host.read('/c')).toEqual({ text: 'ü\r\n', mode: 0o640, uid, gid });
    expect(host.read('/none')).toBeUndefined();
    expect(host.read('/c/below')).toBeUndefined();
  });

  test('refuses bytes that could not be given back as they were', () => {
    node.file('/c', Buffer.from([0x61, 0xff, 0x62]));
    expect(() => host.read('/c')).toThrow('/c is not UTF-8');
  });
});

describe('writing', () => {
  test('keeps mode and owner of the file that was there, whatever the umask', () => {
    node.file('/c', 'old');
    chmodSync(node.at('/c'), 0o666);
    host.write('/c', 'new', host.read('/c'));
    expect(host.read('/c')).toMatchObject({ text: 'new', mode: 0o666 });
  });

  test('makes a new file that everybody may read and only its owner write', () => {
    host.write('/d/c', 'new');
    expect(host.read('/d/c')).toMatchObject({ text: 'new', mode: 0o644 });
    host.remove('/d/c');
    expect(readdirSync(node.at('/d'))).toEqual([]);
  });

  test('leaves neither half a file nor a temporary one where it fails', () => {
    mkdirSync(node.at('/d/c'), { recursive: true });
    expect(() => host.write('/d/c', 'new')).toThrow('EISDIR');
    expect(readdirSync(node.at('/d'))).toEqual(['c']);
  });
});

test('a folder is walked in the order in which the kubelet reads it, each folder by itself', () => {
  for (const path of ['20.conf', '.hidden.conf', '10/b.conf', '10/a/z.conf', '10-x.conf', 'B.conf', 'a.conf'])
    node.file(`/d/${path}`, '');
  node.link('/d/15.conf', '/elsewhere');
  node.link('/conf.d', '/d');
  expect(host.walk('/conf.d')).toEqual(
    ['.hidden.conf', '10/a/z.conf', '10/b.conf', '10-x.conf', '15.conf', '20.conf', 'B.conf', 'a.conf'].map(
      (path) => `/conf.d/${path}`,
    ),
  );
  expect(() => host.walk('/none')).toThrow('ENOENT');
});

describe('the fingerprint', () => {
  const PATHS = ['/d', '/d/c', '/l'];
  beforeEach(() => {
    node.file('/d/c', 'old');
    node.file('/e', 'one');
    node.file('/f', 'one');
    node.link('/l', '/e');
    for (const path of ['/d', '/d/c', '/e', '/f']) utimesSync(node.at(path), 1, 1);
  });

  test.each<[string, () => void]>([
    ['is written', () => writeFileSync(node.at('/d/c'), 'new')],
    ['is replaced', () => host.write('/d/c', 'old')],
    ['goes', () => host.remove('/d/c')],
    ['comes to a folder', () => node.file('/d/x', '')],
    ['is written behind a link', () => writeFileSync(node.at('/e'), 'two')],
  ])('changes when a file %s', (_, change) => {
    const before = host.fingerprint(PATHS);
    expect(host.fingerprint(PATHS)).toBe(before);
    change();
    expect(host.fingerprint(PATHS)).not.toBe(before);
  });

  test('changes when a link leads to another file, or in a circle', () => {
    const before = host.fingerprint(PATHS);
    for (const target of ['/f', '/l']) {
      node.unlink('/l');
      node.link('/l', target);
      expect(host.fingerprint(PATHS)).not.toBe(before);
    }
  });
});
