import { beforeEach, describe, expect, test } from '@jest/globals';
import { OperatorError } from '../../operator/errors.ts';
import { jsonLog } from '../../operator/telemetry/json-log.ts';

describe('the log of the agent', () => {
  let output: string[];
  beforeEach(() => {
    output = [];
  });
  const log = (level?: string) =>
    jsonLog({
      ...(level !== undefined && { level }),
      write: (line) => void output.push(line),
      now: () => new Date('2026-01-01T00:00:00Z'),
    });
  const parsed = (): Record<string, unknown>[] =>
    output.map((line) => JSON.parse(line) as Record<string, unknown>);

  test('is one JSON object per line, whatever the text', () => {
    log().info('two\nlines "quoted" €', { node: 'a\nb' });
    expect(output).toHaveLength(1);
    expect(output[0]).toMatch(/^[^\n]+\n$/);
    expect(parsed()).toEqual([
      {
        level: 'info',
        message: 'two\nlines "quoted" €',
        timestamp: '2026-01-01T00:00:00.000Z',
        node: 'a\nb',
      },
    ]);
  });

  test.each([
    ['error', ['error']],
    ['warn', ['error', 'warn']],
    ['info', ['error', 'warn', 'info']],
    ['debug', ['error', 'warn', 'info', 'debug']],
    [undefined, ['error', 'warn', 'info']],
    // A wrong level must not silence errors.
    ['loud', ['error']],
  ])('of level %s has lines of %j', (level, expected) => {
    const all = log(level);
    all.error('x');
    all.warn('x');
    all.info('x');
    all.debug('x');
    expect(parsed().map((line) => line['level'])).toEqual(expected);
  });

  test('prints an error whole, with its causes', () => {
    const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    log().error('failed', { error: new OperatorError('ApiRequest', 'no answer', { cause }), other: 'x' });
    expect(parsed()[0]).toMatchObject({
      other: 'x',
      error: {
        code: 'ApiRequest',
        message: 'no answer',
        stack: expect.stringContaining('json-log.test'),
        cause: { name: 'Error', message: 'read ECONNRESET', code: 'ECONNRESET' },
      },
    });
  });

  test('of a part says whose it is in every line; the nearest part and the line itself win', () => {
    const child = log().child({ part: 'kubelet', node: 'a' }).child({ part: 'journal' });
    child.info('one');
    child.warn('two', { node: 'b' });
    expect(parsed()).toMatchObject([
      { part: 'journal', node: 'a', message: 'one' },
      { part: 'journal', node: 'b', message: 'two' },
    ]);
  });

  test('of a part keeps the level', () => {
    log('error').child({ part: 'x' }).info('not this');
    expect(output).toEqual([]);
  });
});
