import { describe, expect, test } from '@jest/globals';
import type { SysctlProfile } from '../../operator/api/profile.ts';
import { Planner, type Plan, type PlanNode } from '../../operator/plan/plan.ts';
import { profile, sysctl, type ProfileDraft } from './support/profiles.ts';
import { integer, pick, random, shuffled } from './support/random.ts';

const on = (label: string): ProfileDraft => ({ nodeSelector: { matchLabels: { [label]: 'yes' } } });
const node = (name: string, ...labels: string[]): PlanNode => ({
  name,
  labels: Object.fromEntries(labels.map((label) => [label, 'yes'])),
});
const plan = (profiles: readonly SysctlProfile[], nodes: readonly PlanNode[]): Plan =>
  new Planner().plan(profiles, nodes);

/** Everything that a plan says, without the order in which it was found. */
const content = (p: Plan): unknown => ({
  wanted: Object.fromEntries(p.wanted),
  revisions: Object.fromEntries(p.revisions),
  profiles: Object.fromEntries(
    [...p.profiles].map(([name, own]) => [
      name,
      {
        ...own,
        matched: own.matched.toSorted(),
        conflicts: own.conflicts.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
        overridden: own.overridden.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
      },
    ]),
  ),
});

describe('a plan', () => {
  const search = profile('search', { ...on('search'), sysctls: [sysctl('vm.max_map_count=262144')] });
  const web = profile('web', { ...on('web'), sysctls: [sysctl('vm.swappiness=1')] });

  test('gives nodes that the same profiles match one revision', () => {
    const p = plan(
      [search, web],
      [node('a', 'search'), node('b', 'search', 'x'), node('c', 'search', 'web')],
    );
    expect(p.wanted.get('a')).toBe(p.wanted.get('b'));
    expect(p.wanted.get('c')).not.toBe(p.wanted.get('a'));
    expect([...p.revisions.keys()].toSorted()).toEqual([...new Set(p.wanted.values())].toSorted());
  });

  test('wants nothing of a node that no profile matches', () => {
    const p = plan([search], [node('a', 'web')]);
    expect(p.wanted.has('a')).toBe(false);
    expect(p.revisions.size).toBe(0);
    expect(p.profilesOf('a')).toEqual([]);
    expect(p.profiles.get('search')?.matched).toEqual([]);
  });

  test('wants the empty revision of a node whose profiles have no node-level entry', () => {
    const p = plan([profile('pods', { sysctls: [sysctl('net.ipv4.tcp_syncookies=1')] })], [node('a')]);
    expect(p.revisions.get(p.wanted.get('a') ?? '')?.sysctls).toEqual([]);
  });

  test('is not held up by a profile that is being deleted', () => {
    const leaving = {
      ...search,
      metadata: { ...search.metadata, deletionTimestamp: '2026-02-01T00:00:00Z' },
    };
    const p = plan([leaving, web], [node('a', 'search')]);
    expect(p.wanted.has('a')).toBe(false);
    expect(p.profiles.has('search')).toBe(false);
  });

  test('in mode Plan says what would match and touches nothing', () => {
    const dry = profile('dry', { ...on('search'), mode: 'Plan', sysctls: [sysctl('vm.max_map_count=1')] });
    const p = plan([search, dry], [node('a', 'search'), node('b', 'web')]);
    expect(p.profiles.get('dry')).toMatchObject({ enforced: false, matched: ['a'] });
    expect(p.profilesOf('a')).toEqual(['search']);
    expect(p.wanted).toEqual(plan([search], [node('a', 'search')]).wanted);
  });

  test('a bad entry is left out of the revision and the profile is not accepted', () => {
    const bad = profile('bad', {
      sysctls: [sysctl('kernel.sem=1', { scope: 'Node' }), sysctl('fs.file-max=9')],
    });
    const p = plan([bad], [node('a')]);
    expect(p.profiles.get('bad')).toMatchObject({ accepted: false, problems: [{ name: 'kernel.sem' }] });
    expect(p.revisions.get(p.wanted.get('a') ?? '')?.sysctls.map((s) => s.name)).toEqual(['fs.file-max']);
  });

  test('counts the nodes on which two profiles are in conflict', () => {
    const other = profile('other', { ...on('web'), age: 2, sysctls: [sysctl('vm.max_map_count=1')] });
    const nodes = [
      node('a', 'search', 'web'),
      node('b', 'search', 'web', 'x'),
      node('c', 'search'),
      node('d', 'web'),
    ];
    const p = plan([search, other], nodes);
    expect(p.profiles.get('search')?.conflicts).toMatchObject([{ other: 'other', wins: true, nodes: 2 }]);
    expect(p.profiles.get('other')?.conflicts).toMatchObject([{ other: 'search', wins: false, nodes: 2 }]);
  });

  test('needs a handful of revisions for thousands of nodes', () => {
    const labels = ['search', 'web', 'db', 'gpu'];
    const profiles = labels.map((label, i) =>
      profile(label, { ...on(label), sysctls: [sysctl(`fs.file-max>=${1000 * (i + 1)}`)] }),
    );
    const next = random(7);
    const nodes = Array.from({ length: 5000 }, (_, i) => ({
      name: `node-${i}`,
      labels: { ...node('', ...labels.filter(() => next() < 0.5)).labels, 'kubernetes.io/hostname': `${i}` },
    }));
    const p = plan(profiles, nodes);
    expect(p.revisions.size).toBeLessThanOrEqual(2 ** labels.length - 1);
    expect(p.wanted.size).toBe(nodes.filter((n) => Object.keys(n.labels).length > 1).length);
    expect(new Set(p.wanted.values()).size).toBe(p.revisions.size);
  });
});

describe('any profiles and nodes', () => {
  const LABELS = ['a', 'b', 'c'];
  const draft = (next: () => number): ProfileDraft => ({
    ...(next() < 0.8 && on(pick(next, LABELS))),
    priority: integer(next, 2),
    age: 1 + integer(next, 3),
    mode: next() < 0.8 ? 'Enforce' : 'Plan',
    sysctls: ['vm.swappiness', 'fs.file-max']
      .filter(() => next() < 0.7)
      .map((key) => sysctl(`${key}${pick(next, ['=', '>=', '<='])}${integer(next, 4)}`)),
  });
  const someNode = (next: () => number, name: string): PlanNode =>
    node(name, ...LABELS.filter(() => next() < 0.5));
  const seeds = Array.from({ length: 60 }, (_, i) => i + 1);

  test.each(seeds)('make the same plan in whatever order they come (seed %i)', (seed) => {
    const next = random(seed);
    const profiles = Array.from({ length: 5 }, (_, i) => profile(`p${i}`, draft(next)));
    const nodes = Array.from({ length: 12 }, (_, i) => someNode(next, `n${i}`));
    const one = content(plan(profiles, nodes));
    expect(content(plan(shuffled(next, profiles), shuffled(next, nodes)))).toEqual(one);
  });

  // What the planner remembers may only save work.
  test.each(seeds)('make the plan of a new planner after any history (seed %i)', (seed) => {
    const next = random(seed);
    const old = new Planner();
    const told = new Planner();
    const profiles = new Map<string, SysctlProfile>();
    const nodes = new Map<string, PlanNode>();
    for (let step = 0; step < 25; step++) {
      const name = `p${integer(next, 4)}`;
      const host = `n${integer(next, 8)}`;
      const before = profiles.get(name);
      const what = next();
      if (what < 0.2) profiles.delete(name);
      else if (what < 0.6)
        profiles.set(
          name,
          before
            ? profile(name, {
                ...draft(next),
                uid: before.metadata.uid ?? '',
                generation: (before.metadata.generation ?? 0) + 1,
              })
            : profile(name, { ...draft(next), uid: `uid-${step}` }),
        );
      // Deleted and made again before anybody looked.
      else if (what < 0.65 && before)
        profiles.set(name, profile(name, { ...draft(next), uid: `uid-${step}` }));
      else if (what < 0.7 && before) profiles.set(name, { ...before, status: { observedGeneration: step } });
      else if (what < 0.8) nodes.delete(host);
      else nodes.set(host, someNode(next, host));
      // Told of every change instead of handed everything.
      told.setProfiles([...profiles.values()]);
      if (nodes.has(host)) told.setNode(nodes.get(host) ?? node(host));
      else told.removeNode(host);
      expect({ step, plan: content(told.current) }).toEqual({
        step,
        plan: content(plan([...profiles.values()], [...nodes.values()])),
      });
      const args = [shuffled(next, [...profiles.values()]), [...nodes.values()]] as const;
      expect({ step, plan: content(old.plan(...args)) }).toEqual({ step, plan: content(plan(...args)) });
    }
  });
});
