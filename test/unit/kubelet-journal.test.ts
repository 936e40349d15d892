import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Journal, settled, type KubeletRecord } from '../../operator/agent/kubelet/journal.ts';

const RECORD: KubeletRecord = {
  version: 1,
  path: '/var/lib/kubelet/config.yaml',
  kind: 'main',
  unit: 'kubelet.service',
  original: { text: 'a: "ü"\n', mode: 0o600, uid: 0, gid: 0 },
  ours: ['kernel.sem'],
};

describe("the record of the kubelet's configuration", () => {
  let folder: string;
  let journal: Journal;
  const file = (): string => join(folder, 'state/kubelet.json');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-journal-'));
    journal = new Journal(join(folder, 'state'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('is read as it was written, and gone when it was removed', () => {
    expect(journal.read()).toBeUndefined();
    journal.write(RECORD);
    expect(journal.read()).toEqual(RECORD);
    expect(readdirSync(join(folder, 'state'))).toEqual(['kubelet.json']);
    journal.remove();
    expect(journal.read()).toBeUndefined();
  });

  test('that is not there can be removed, even where its folder never was', () => {
    expect(() => journal.remove()).not.toThrow();
  });

  test('that says the same is not written again, another one is', () => {
    journal.write(RECORD);
    const { ino } = statSync(file());
    journal.write({ ...RECORD });
    expect(statSync(file()).ino).toBe(ino);
    journal.write({ ...RECORD, ours: [] });
    expect(journal.read()?.ours).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['cut', '{"version":1,"path":"/a","ki'],
    ['empty', ''],
    ['null', null],
    ['a list', []],
    ['of a newer agent', { ...RECORD, version: 2 }],
    ['without a path', { ...RECORD, path: undefined }],
    ['without a unit', { ...RECORD, unit: undefined }],
    ['of no kind', { ...RECORD, kind: 'file' }],
    ['without our entries', { ...RECORD, ours: 'kernel.sem' }],
    ['with a change without files', { ...RECORD, change: { ours: [] } }],
    ['with an edit that is none', { ...RECORD, change: { edits: [null], ours: [] } }],
    ['with an original without its owner', { ...RECORD, original: { text: 'a', mode: 0o600 } }],
    ['with a failure without its list', { ...RECORD, failed: { at: 'now', message: 'no' } }],
    ['with a file left that is none', { ...RECORD, left: [{ path: '/x' }] }],
  ])('that is %s is never guessed at', (_, content) => {
    journal.write(RECORD);
    writeFileSync(file(), typeof content === 'string' ? content : JSON.stringify(content));
    expect(() => journal.read()).toThrow(expect.objectContaining({ code: 'LedgerUnreadable' }));
    expect(() => journal.read()).toThrow(`${file()} cannot be read: nothing is changed`);
  });
});

describe('what is remembered after a change', () => {
  test('is the record without the change, as long as something of ours is in a file', () => {
    const change = { edits: [], ours: [] };
    expect(settled({ ...RECORD, change })).toEqual(RECORD);
    expect(settled({ ...RECORD, ours: [], change })).toBeUndefined();
  });

  test('is also a list that failed, and a file that ours has still to come out of', () => {
    const failed = { list: ['x'], at: '2026-08-01T00:00:00Z', message: 'no' };
    expect(settled({ ...RECORD, ours: [], failed })).toMatchObject({ failed });
    const left = [{ path: '/x', kind: 'main' as const, ours: ['x'] }];
    expect(settled({ ...RECORD, ours: [], left })).toMatchObject({ left });
  });
});
