import { describe, expect, test } from '@jest/globals';
import type { LedgerEntry } from '../../operator/agent/ledger.ts';
import { planSteps, type Live } from '../../operator/agent/steps.ts';
import { revision, type EntryDraft } from './support/agent-fakes.ts';

const NAME = 'vm.max_map_count';

function plan(entries: EntryDraft[], live: Record<string, string>, ledger: Record<string, LedgerEntry> = {}) {
  const read = (name: string): Live => {
    const value = live[name];
    return value === undefined
      ? { errno: 'ENOENT', message: `${name}: this kernel does not have it (ENOENT)` }
      : { value };
  };
  return planSteps({
    data: revision('r', entries).data,
    ledger: new Map(Object.entries(ledger)),
    live: read,
  });
}
const changes = (steps: { kind: string; name: string; from: string; to: string }[]) =>
  steps.map(({ kind, name, from, to }) => `${kind} ${name} ${from} -> ${to}`);
const ours = (entry: Partial<LedgerEntry> = {}): LedgerEntry => ({
  original: '65530',
  written: '262144',
  removal: 'Restore',
  ...entry,
});

describe('what a revision asks for', () => {
  test('a value that differs is written, one that is the same in another spelling is not', () => {
    const { steps } = plan(
      [
        { name: NAME, value: '262144' },
        { name: 'net.ipv4.tcp_rmem', value: '4096 131072 6291456' },
        { name: 'net.core.somaxconn', value: '0x1000' },
      ],
      { [NAME]: '65530', 'net.ipv4.tcp_rmem': '4096\t131072\t6291456', 'net.core.somaxconn': '4096' },
    );
    expect(changes(steps)).toEqual([`write ${NAME} 65530 -> 262144`]);
  });

  test('a key that the kernel does not have is Unsupported and takes nothing else down', () => {
    const { steps, deviations } = plan(
      [
        { name: 'kernel.nope', value: '1' },
        { name: NAME, value: '1' },
      ],
      { [NAME]: '2' },
    );
    expect(deviations).toEqual([
      expect.objectContaining({ name: 'kernel.nope', state: 'Unsupported', desired: '1' }),
    ]);
    expect(steps).toHaveLength(1);
  });

  test('a value of the wrong shape is not written', () => {
    const { steps, deviations } = plan([{ name: 'kernel.sem', value: '1 2' }], {
      'kernel.sem': '32000\t1\t500\t128',
    });
    expect(steps).toEqual([]);
    expect(deviations[0]).toMatchObject({
      state: 'Failed',
      message: expect.stringContaining('takes 4 values, not 2'),
    });
  });

  test.each([
    ['AtLeast', '100', '200', []],
    ['AtLeast', '300', '200', [`write ${NAME} 200 -> 300`]],
    ['AtMost', '300', '200', []],
    ['AtMost', '100', '200', [`write ${NAME} 200 -> 100`]],
  ] as const)('%s %s where the node has %s', (match, value, live, expected) => {
    expect(changes(plan([{ name: NAME, value, match }], { [NAME]: live }).steps)).toEqual(expected);
  });

  test('two bounds of one key hold together', () => {
    const bounds = [
      { name: NAME, value: '100', match: 'AtLeast' },
      { name: NAME, value: '300', match: 'AtMost' },
    ] as const;
    expect(plan([...bounds], { [NAME]: '200' }).steps).toEqual([]);
    expect(changes(plan([...bounds], { [NAME]: '50' }).steps)).toEqual([`write ${NAME} 50 -> 100`]);
    expect(changes(plan([...bounds], { [NAME]: '500' }).steps)).toEqual([`write ${NAME} 500 -> 300`]);
  });

  test('a bound is measured against the original where the live value is our own', () => {
    const bound = (value: string) => [{ name: NAME, value, match: 'AtLeast' as const }];
    expect(changes(plan(bound('100000'), { [NAME]: '262144' }, { [NAME]: ours() }).steps)).toEqual([
      `write ${NAME} 262144 -> 100000`,
    ]);
    expect(changes(plan(bound('1000'), { [NAME]: '262144' }, { [NAME]: ours() }).steps)).toEqual([
      `restore ${NAME} 262144 -> 65530`,
    ]);
    // Somebody else's value that is high enough is theirs.
    expect(plan(bound('1000'), { [NAME]: '5000' }, { [NAME]: ours() }).steps).toEqual([]);
  });
});

describe('what a revision no longer asks for', () => {
  test.each([
    ['what was written last', '262144'],
    ['what had been written before, because the last write did not happen', '100000'],
  ])('is put back from %s', (_, live) => {
    const { steps } = plan([], { [NAME]: live }, { [NAME]: ours({ previous: '100000' }) });
    expect(changes(steps)).toEqual([`restore ${NAME} ${live} -> 65530`]);
  });

  test('is Foreign where somebody else has written', () => {
    const { steps, drop, deviations } = plan([], { [NAME]: '7' }, { [NAME]: ours() });
    expect(steps).toEqual([]);
    expect(drop).toEqual([NAME]);
    expect(deviations).toEqual([
      {
        name: NAME,
        desired: '65530',
        live: '7',
        state: 'Foreign',
        message: `${NAME}: somebody else wrote 7 over our 262144; it is theirs now and was not put back to 65530`,
      },
    ]);
  });

  test.each([
    ['the original is back already', { [NAME]: '65530' }, ours()],
    ['its policy says Keep', { [NAME]: '262144' }, ours({ removal: 'Keep' })],
    ['it went away with its module', {}, ours()],
  ])('is forgotten where %s', (_, live, known) => {
    expect(plan([], live as Record<string, string>, { [NAME]: known })).toEqual({
      steps: [],
      drop: [NAME],
      deviations: [],
    });
  });

  test('is kept for later where it cannot be read now', () => {
    const result = planSteps({
      data: revision('r', []).data,
      ledger: new Map([[NAME, ours()]]),
      live: () => ({ errno: 'EACCES', message: `${NAME}: cannot be read (EACCES)` }),
    });
    expect(result.drop).toEqual([]);
    expect(result.deviations).toEqual([expect.objectContaining({ state: 'Failed' })]);
  });
});
