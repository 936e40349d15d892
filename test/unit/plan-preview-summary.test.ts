import { expect, test } from '@jest/globals';
import { keySummaries, summaryOf, totalsOf } from '../../operator/plan/preview/summary.ts';
import { holding, node, planned, preview } from './support/preview.ts';
import { profile, sysctl } from './support/profiles.ts';

const KEY = 'vm.max_map_count';
const nodes = Array.from({ length: 5000 }, (_, i) => node(`n${i}`));
const search = profile('search', { sysctls: [sysctl(`${KEY}=262144`), sysctl('vm.swappiness=1')] });
const was = profile('search', { sysctls: [sysctl(`${KEY}=100000`)] });
const scene = { stored: [was], older: [planned([was])], candidates: [search], nodes };

test('a summary counts what nodes have now, most nodes first, and those that nobody has read', () => {
  const states = nodes.slice(0, 4000).map(({ name }, i) =>
    holding(name, [was], {
      ...(i < 10 && { deviations: [{ name: KEY, live: String(i), state: 'Drifted' }] }),
    }),
  );
  const result = preview({ ...scene, states });
  expect(keySummaries(result)[0]).toMatchObject({
    name: KEY,
    to: '262144',
    change: 5000,
    unread: 1000,
    from: [{ value: '100000', nodes: 3990 }, ...Array.from({ length: 10 }, () => ({ nodes: 1 }))],
  });
  expect(summaryOf(result)).toBe(
    '5000 would change; vm.max_map_count to 262144 on 5000 (now 100000 on 3990, 0 on 1, 9 other values on 9, ' +
      'not read yet on 1000); vm.swappiness to 1 on 5000 (now not read yet on 5000)',
  );
});

test('a summary stays short, however many keys and values there are', () => {
  const many = profile('search', {
    sysctls: Array.from({ length: 200 }, (_, i) =>
      sysctl(`net.ipv4.conf.eth${i}.forwarding=1`, { scope: 'Node' }),
    ),
    pods: { allowedUnsafeSysctls: ['kernel.msg*'] },
  });
  const text = summaryOf(preview({ candidates: [many], nodes }));
  expect(text.length).toBeLessThan(600);
  expect(text).toContain('and 197 more sysctls; 5000 kubelets would restart unless');
});

test('nothing would change where every node has it', () => {
  const states = nodes.map(({ name }) => holding(name, [search]));
  const result = preview({ stored: [search], candidates: [search], nodes, states });
  expect(summaryOf(result)).toBe('nothing would change');
  expect(totalsOf(result)).toEqual({
    matched: 5000,
    change: 0,
    unread: 0,
    restart: 0,
    restartUnread: 0,
    held: 0,
  });
});
