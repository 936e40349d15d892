import type { TestApiServer } from './api-server.ts';
import type { Client } from './client.ts';

export const NAMESPACE = 'sysctl-operator-system';

/** A Node object without a kubelet. */
export const createNode = (admin: Client, name: string): Promise<Record<string, unknown>> =>
  admin.must({
    method: 'POST',
    path: '/api/v1/nodes',
    body: { apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'kubernetes.io/hostname': name } } },
  });

interface Token {
  status: { token: string };
}

async function requestToken(admin: Client, account: string, boundObjectRef?: object): Promise<string> {
  const { status } = (await admin.must({
    method: 'POST',
    path: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${account}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { ...(boundObjectRef && { boundObjectRef }) },
    },
  })) as unknown as Token;
  return status.token;
}

/** A client with a token that is bound to nothing. */
export const unbound = async (server: TestApiServer, account: string): Promise<Client> =>
  server.as(await requestToken(server.admin, account));

/** The token that the kubelet would project into a pod of the account on this node. */
export async function podToken(admin: Client, node: string, account: string): Promise<string> {
  const pod = (await admin.must({
    method: 'POST',
    path: `/api/v1/namespaces/${NAMESPACE}/pods`,
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { generateName: `${account}-` },
      spec: { nodeName: node, serviceAccountName: account, containers: [{ name: 'c', image: 'none' }] },
    },
  })) as { metadata: { name: string; uid: string } };
  const { name, uid } = pod.metadata;
  return requestToken(admin, account, { kind: 'Pod', apiVersion: 'v1', name, uid });
}

/** A client with the token of a pod of the account on this node. */
export const inPodOn = async (server: TestApiServer, node: string, account: string): Promise<Client> =>
  server.as(await podToken(server.admin, node, account));
