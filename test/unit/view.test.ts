import { describe, expect, test } from '@jest/globals';
import { Postponed } from '../../operator/manager/job.ts';
import { isAtLeast } from '../../operator/kube/resource-version.ts';
import { caughtUp, covers, viewOf, type Copy } from '../../operator/manager/view.ts';

const copies = (profiles: string, nodes: string): Record<string, Copy> => ({
  profiles: { version: profiles, newest: profiles },
  nodes: { version: nodes, newest: nodes },
});

test.each([
  ['10', '9', true],
  ['9', '10', false],
  ['9', '9', true],
  ['18446744073709551616', '18446744073709551615', true],
])('resourceVersion %s is at least %s: %p', (version, other, answer) => {
  expect(isAtLeast(version, other)).toBe(answer);
});

describe("a replica's copies", () => {
  test('show everything that the leader had seen once each of them is as new', () => {
    const view = viewOf(copies('100', '90'));
    expect(covers(copies('100', '90'), view)).toBe(true);
    expect(covers(copies('1000', '91'), view)).toBe(true);
    expect(covers(copies('99', '1000'), view)).toBe(false);
    expect(covers(copies('1000', '89'), view)).toBe(false);
  });

  test('are as new as the server says, not only as what last changed them', () => {
    const idle = { profiles: { version: '500', newest: '20' } };
    expect(viewOf(idle)).toEqual({ profiles: '20' });
    expect(covers(idle, { profiles: '400' })).toBe(true);
  });

  // A replica that has just started knows no profile: by that, every node would be given back.
  test('show nothing before they were listed, whatever is asked for', () => {
    expect(covers({ profiles: { version: '', newest: '0' } }, {})).toBe(false);
    expect(covers(copies('1', '1'), {})).toBe(true);
  });

  test('that are a moment behind are waited for', async () => {
    const late = { profiles: { version: '9', newest: '9' } };
    setTimeout(() => (late.profiles.version = '10'), 20);
    await expect(caughtUp(late, { profiles: '10' })).resolves.toBeUndefined();
  });

  test('that stay behind put the job off', async () => {
    await expect(caughtUp(copies('9', '9'), { profiles: '10' })).rejects.toBeInstanceOf(Postponed);
  });
});
