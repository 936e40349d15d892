import { describe, expect, test } from '@jest/globals';
import type { LabelSelector } from '../../operator/api/profile.ts';
import { compileSelector } from '../../operator/plan/selectors.ts';

const labels = { role: 'search', zone: 'a', empty: '' };
const one = (
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist',
  key: string,
  ...values: string[]
): LabelSelector => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }],
});

describe('a node with role=search, zone=a and an empty label', () => {
  test.each<[string, LabelSelector]>([
    ['an empty selector', {}],
    ['its own label', { matchLabels: { role: 'search' } }],
    ['two of its labels', { matchLabels: { role: 'search', zone: 'a' } }],
    ['a label without a value', { matchLabels: { empty: '' } }],
    ['In with its value', one('In', 'zone', 'b', 'a')],
    ['In with the empty value', one('In', 'empty', '')],
    ['NotIn with other values', one('NotIn', 'zone', 'b', 'c')],
    ['NotIn of a label that it does not have', one('NotIn', 'gpu', 'yes')],
    ['Exists', one('Exists', 'empty')],
    ['DoesNotExist', one('DoesNotExist', 'gpu')],
    ['labels and expressions', { matchLabels: { zone: 'a' }, ...one('In', 'role', 'search') }],
  ])('is matched by %s', (_, selector) => {
    expect(compileSelector(selector)(labels)).toBe(true);
  });

  test.each<[string, LabelSelector]>([
    ['another value', { matchLabels: { role: 'web' } }],
    ['a label that it does not have', { matchLabels: { gpu: 'yes' } }],
    ['a missing label with an empty value', { matchLabels: { gpu: '' } }],
    ['one right and one wrong label', { matchLabels: { role: 'search', zone: 'b' } }],
    ['In with other values', one('In', 'zone', 'b')],
    ['In of a label that it does not have', one('In', 'gpu', 'yes')],
    ['In without values', one('In', 'zone')],
    ['NotIn with its value', one('NotIn', 'zone', 'a', 'b')],
    ['Exists', one('Exists', 'gpu')],
    ['DoesNotExist', one('DoesNotExist', 'empty')],
    ['right labels and a wrong expression', { matchLabels: { zone: 'a' }, ...one('In', 'role', 'web') }],
  ])('is not matched by %s', (_, selector) => {
    expect(compileSelector(selector)(labels)).toBe(false);
  });
});
