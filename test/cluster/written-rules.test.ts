/** The manager and the agent themselves, under their own ServiceAccounts: what they ask of the API server is what manifests/ says. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Audited, TestApiServer } from './support/api-server.ts';
import { object, post } from './support/calls.ts';
import { installed } from './support/installation.ts';
import { effective, render, written } from './support/rules.ts';
import { NAMESPACE, unbound } from './support/service-accounts.ts';
import { wholeLife, type Life } from './support/whole-life.ts';

const MANAGER = 'sysctl-operator-manager';
const AGENT = 'sysctl-operator-agent';
/** The agent asks the node's kubelet for these, and the kubelet asks the API server whether it may. */
const OF_THE_KUBELET = ['get nodes/configz', 'get nodes/pods'];

let server: TestApiServer;
let life: Life;
let audit: Audited[];

beforeAll(async () => {
  server = await installed();
  life = await wholeLife(server);
  audit = await server.audit();
  const accounts = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`;
  await server.admin.must(post(accounts, object('v1', 'ServiceAccount', 'nobody')));
}, 300_000);
afterAll(() => server?.close());

const of = (account: string): Audited[] =>
  audit.filter((entry) => entry.user.username === `system:serviceaccount:${NAMESPACE}:${account}`);

/** The right that a request needs. A patch that creates (server-side apply) needs another one. */
function needed({ verb, objectRef, requestURI, responseStatus }: Audited): string[] {
  if (!objectRef) return [`${verb} ${requestURI}`];
  const { resource, subresource, apiGroup, name } = objectRef;
  const what = `${subresource ? `${resource}/${subresource}` : resource}${apiGroup ? `.${apiGroup}` : ''}`;
  const verbs = verb === 'patch' && responseStatus?.code === 201 ? [verb, 'create'] : [verb];
  return verbs.map((word) => (name ? `${word} ${what} ${name}` : `${word} ${what}`));
}

/** The written right that covers a request; the request itself when none does. */
const covering = (request: string, rules: readonly string[]): string => {
  const [verb, what] = request.split(' ');
  return rules.find((rule) => rule === request || rule === `${verb} ${what}`) ?? request;
};

test('what is written is enough to tune a node and to give it back', () => {
  expect(life.tuned).toEqual({
    swappiness: '2',
    labels: {
      ...life.before.labels,
      'sysctl-operator.dev/agent': 'true',
      'profile.sysctl-operator.dev/search': 'ready',
    },
  });
  expect(life.after).toEqual(life.before);
  expect(life.ends).toEqual([0, 0, 0]);
});

describe.each([MANAGER, AGENT])('%s', (account) => {
  test('is refused nothing', () => {
    expect(of(account).length).toBeGreaterThan(5);
    const refused = of(account).filter(({ responseStatus }) =>
      [401, 403].includes(responseStatus?.code ?? 0),
    );
    expect(refused.map((entry) => `${needed(entry).join()}: ${entry.responseStatus?.message}`)).toEqual([]);
  });

  test('uses what is written, and all that is written is used', async () => {
    const rules = written(await render(server), account);
    const used = of(account).flatMap((entry) => needed(entry).map((request) => covering(request, rules)));
    const atTheKubelet = account === AGENT ? OF_THE_KUBELET : [];
    expect([...new Set([...used, ...atTheKubelet])].toSorted()).toEqual(rules);
  });

  test.each([NAMESPACE, 'default', 'kube-system'])(
    'has in namespace %s what is written, and nothing beyond what every account has',
    async (namespace) => {
      const nobody = await effective(await unbound(server, 'nobody'), namespace);
      const mine = await effective(await unbound(server, account), namespace);
      const rules = written(await render(server), account, namespace);
      expect(mine.filter((right) => !nobody.includes(right))).toEqual(rules);
    },
  );
});
