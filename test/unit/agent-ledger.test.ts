import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { durableFiles } from '../../operator/agent/durable-file.ts';
import { Ledger } from '../../operator/agent/ledger.ts';
import { MemoryFiles } from './support/agent-fakes.ts';

const NAME = 'vm.max_map_count';
const entry = { original: '65530', written: '262144', removal: 'Restore' } as const;

describe('the ledger on disk', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-ledger-'));
    file = join(folder, 'state/ledger.json');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const saved = (): void => {
    const ledger = Ledger.open(file, 'boot');
    ledger.set(NAME, entry);
    ledger.save();
  };

  test('holds what was saved, in a folder that it makes, and leaves no temporary file', () => {
    saved();
    expect(Ledger.open(file, 'boot').originals()).toEqual({ [NAME]: '65530' });
    expect(readdirSync(join(folder, 'state'))).toEqual(['ledger.json']);
  });

  test('is replaced whole: a temporary file that a killed agent left behind does not matter', () => {
    saved();
    writeFileSync(`${file}.tmp`, '{"version":1,"boot');
    expect(Ledger.open(file, 'boot').originals()).toEqual({ [NAME]: '65530' });
    const ledger = Ledger.open(file, 'boot');
    ledger.delete(NAME);
    ledger.save();
    expect(Ledger.open(file, 'boot').originals()).toEqual({});
  });

  test('of another boot is dropped, because a reboot resets every value', () => {
    saved();
    expect(Ledger.open(file, 'next boot').originals()).toEqual({});
  });

  test.each([
    ['empty', '', 'cut or not JSON'],
    ['cut', '{"version":1,"bootID":"boot","entr', 'cut or not JSON'],
    ['null', 'null', 'has version undefined'],
    ['of a newer agent', '{"version":2,"bootID":"boot","entries":{}}', 'has version 2, this agent knows 1'],
    ['without entries', '{"version":1,"bootID":"boot"}', 'lacks bootID or entries'],
    [
      'with half an entry',
      '{"version":1,"bootID":"boot","entries":{"a.b":{"original":"1"}}}',
      'the entry of a.b lacks',
    ],
  ])('that is %s is never guessed at', (_, text, message) => {
    saved();
    writeFileSync(file, text);
    expect(() => Ledger.open(file, 'boot')).toThrow(expect.objectContaining({ code: 'LedgerUnreadable' }));
    expect(() => Ledger.open(file, 'boot')).toThrow(message);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test.each([
    ['with a list for its entries', { entries: [] }],
    ['with a number for an original', { entries: { 'a.b': { original: 1, written: '2' } } }],
    ['with half a pair', { entries: { 'a.b': { original: '1', written: '2', coupled: { 'a.c': 0 } } } }],
    ['with foreign values that are none', { foreign: { revision: 'one', deviations: [null] } }],
  ])('that is %s is never guessed at', (_, part) => {
    saved();
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...part }));
    expect(() => Ledger.open(file, 'boot')).toThrow(expect.objectContaining({ code: 'LedgerUnreadable' }));
  });

  test('that is cut after any byte is never taken for a whole one', () => {
    saved();
    const whole = readFileSync(file);
    expect(whole.length).toBeGreaterThan(50);
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(file, whole.subarray(0, length));
      expect(() => Ledger.open(file, 'boot')).toThrow('cut or not JSON');
    }
  });

  test('that cannot be read at all is reported as such', () => {
    saved();
    expect(() => Ledger.open(join(folder, 'state'), 'boot')).toThrow(
      expect.objectContaining({ code: 'LedgerUnreadable' }),
    );
  });
});

describe('saving', () => {
  test('does nothing when nothing changed', () => {
    const files = new MemoryFiles();
    const ledger = Ledger.open('ledger.json', 'boot', files);
    ledger.save();
    expect(files.content.size).toBe(0);
    ledger.set(NAME, entry);
    ledger.save();
    files.full = true;
    expect(() => ledger.save()).not.toThrow();
  });

  test('that fails half-way leaves nothing of it on the disk', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sysctl-operator-ledger-'));
    try {
      // What is renamed over a folder that is not empty stays what it was.
      mkdirSync(join(folder, 'ledger.json/in-the-way'), { recursive: true });
      expect(() => durableFiles.write(join(folder, 'ledger.json'), '{}')).toThrow('EISDIR');
      expect(readdirSync(folder)).toEqual(['ledger.json']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('that the disk refuses is an error with a reason for the status', () => {
    const files = new MemoryFiles();
    files.full = true;
    const ledger = Ledger.open('ledger.json', 'boot', files);
    ledger.set(NAME, entry);
    expect(() => ledger.save()).toThrow(/ledger.json cannot be written.*ENOSPC/);
  });
});

describe('foreign values', () => {
  const found = { name: NAME, state: 'Foreign' } as const;

  test('are told of until another revision, and not again when the first one is back', () => {
    const ledger = Ledger.open('ledger.json', 'boot', new MemoryFiles());
    ledger.addForeign('one', [found]);
    ledger.addForeign('one', [{ ...found, name: 'a.b' }]);
    expect(ledger.foreign('one').map((d) => d.name)).toEqual([NAME, 'a.b']);
    ledger.addForeign('two', []);
    expect(ledger.foreign('two')).toEqual([]);
    expect(ledger.foreign('one')).toEqual([]);
  });
});
