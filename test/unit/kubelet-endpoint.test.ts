import { describe, expect, test } from '@jest/globals';
import { podsOf, type PodList } from '../../operator/agent/kubelet/endpoint.ts';

const pod = (name: string, phase?: string, sysctls?: string[]): NonNullable<PodList['items']>[number] => ({
  metadata: { namespace: 'default', name },
  spec: sysctls ? { securityContext: { sysctls: sysctls.map((s) => ({ name: s })) } } : {},
  ...(phase !== undefined && { status: { phase } }),
});

describe('what /pods says', () => {
  test('the sysctls of each pod that has not finished', () => {
    const items = [
      pod('db', 'Running', ['kernel.msgmax']),
      pod('done', 'Succeeded', ['kernel.msgmnb']),
      pod('failed', 'Failed'),
      pod('new'),
    ];
    expect(podsOf({ items }, 'default/new')).toEqual([
      { pod: 'default/db', sysctls: ['kernel.msgmax'] },
      { pod: 'default/new', sysctls: [] },
    ]);
  });

  test.each([
    ['null', { items: null }],
    ['absent', {}],
  ])('a list that is %s is no list', (_what, answer) => {
    expect(podsOf(answer, undefined)).toBeUndefined();
    expect(podsOf(answer, 'default/agent')).toBeUndefined();
  });

  test('a list without the pod that must be in it is of static pods alone', () => {
    expect(podsOf({ items: [pod('static')] }, 'default/agent')).toBeUndefined();
    expect(podsOf({ items: [pod('static'), pod('agent')] }, 'default/agent')).toHaveLength(2);
  });

  test('an empty list counts where no pod is known', () => {
    expect(podsOf({ items: [] }, undefined)).toEqual([]);
  });
});
