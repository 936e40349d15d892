import { describe, expect, test } from '@jest/globals';
import type { Revision } from '../../operator/api/revision.ts';
import { HISTORY, obsoleteRevisions, RevisionHistory } from '../../operator/manager/revisions.ts';
import { apiError, StubApiServer } from './support/agent-fakes.ts';
import { composed, profile, sysctl } from './support/profiles.ts';
import { random, shuffled } from './support/random.ts';

const { name, data } = composed(profile('search', { sysctls: [sysctl('vm.swappiness=1')] }));
const known = (...revisions: Revision[]) => new Map(revisions.map((r) => [r.metadata.name, r]));
const newest: Revision = { metadata: { name: 'sysctl-before' }, revision: 41, data };
const ensure = (api: StubApiServer, names = [name], existing = known(newest)) =>
  new RevisionHistory(api, 'system', existing).ensure(api, names, (wanted) =>
    wanted === name ? data : undefined,
  );

describe('a revision', () => {
  test('is created under the name of its content', async () => {
    const api = new StubApiServer();
    await ensure(api);
    expect(api.requests).toMatchObject([
      {
        method: 'POST',
        path: '/apis/apps/v1/namespaces/system/controllerrevisions',
        body: { kind: 'ControllerRevision', metadata: { name, namespace: 'system' }, revision: 42, data },
      },
    ]);
  });

  test('that the caches show, or of which nobody knows the content, is not asked for', async () => {
    const api = new StubApiServer();
    await ensure(api, [name, 'sysctl-unknown'], known({ ...newest, metadata: { name } }));
    expect(api.requests).toEqual([]);
  });

  test('is created once, however many ask for it before the caches show it', async () => {
    const api = new StubApiServer();
    const history = new RevisionHistory(api, 'system', known(newest));
    await Promise.all([1, 2, 3].map(() => history.ensure(api, [name], () => data)));
    await history.ensure(api, [name], () => data);
    expect(api.requests).toHaveLength(1);
  });

  test('that could not be created is tried again', async () => {
    const api = new StubApiServer();
    const history = new RevisionHistory(api, 'system', known(newest));
    api.answer = () => {
      throw apiError(500);
    };
    await expect(history.ensure(api, [name], () => data)).rejects.toMatchObject({ status: 500 });
    api.answer = () => ({});
    await history.ensure(api, [name], () => data);
    expect(api.requests).toHaveLength(2);
  });

  test('has no owner: garbage collection must not take one that a node still refers to', async () => {
    const api = new StubApiServer();
    await ensure(api);
    expect(api.requests[0]?.body).not.toHaveProperty('metadata.ownerReferences');
  });

  test('that is there already is the right one', async () => {
    const api = new StubApiServer();
    api.answer = () => {
      throw apiError(409);
    };
    await expect(ensure(api)).resolves.toBeUndefined();
  });

  test.each([403, 500])('that cannot be created for status %i is an error', async (status) => {
    const api = new StubApiServer();
    api.answer = () => {
      throw apiError(status);
    };
    await expect(ensure(api)).rejects.toMatchObject({ status });
  });
});

describe('revisions that may be deleted', () => {
  const revisions = Array.from({ length: 25 }, (_, i): Revision => ({
    metadata: { name: `r${i + 1}` },
    revision: i + 1,
    data,
  }));

  test('are the oldest ones beyond the history', () => {
    const obsolete = obsoleteRevisions(shuffled(random(1), revisions), new Set());
    const oldest = revisions.slice(0, revisions.length - HISTORY).map((r) => r.metadata.name);
    expect(obsolete.toSorted()).toEqual(oldest.toSorted());
  });

  test('are never in use, however old, and those in use do not shorten the history', () => {
    const inUse = new Set(['r1', 'r2', 'r25']);
    const obsolete = obsoleteRevisions(revisions, inUse);
    expect(obsolete).not.toEqual(expect.arrayContaining(['r1']));
    expect(obsolete).toHaveLength(revisions.length - inUse.size - HISTORY);
    expect(obsolete.filter((one) => inUse.has(one))).toEqual([]);
  });

  test('are deleted; one that somebody else has deleted is no error', async () => {
    const api = new StubApiServer();
    api.answer = () => {
      throw apiError(404);
    };
    await new RevisionHistory(api, 'system', known(...revisions)).collect(() => new Set(['r1']));
    expect(api.requests.map((r) => `${r.method} ${r.path.split('/').at(-1)}`).toSorted()).toEqual(
      revisions
        .slice(1, 15)
        .map((r) => `DELETE ${r.metadata.name}`)
        .toSorted(),
    );
  });

  test('are none while there are few', () => {
    expect(obsoleteRevisions(revisions.slice(0, HISTORY), new Set())).toEqual([]);
  });
});
