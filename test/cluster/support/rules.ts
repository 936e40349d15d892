import type { TestApiServer } from './api-server.ts';
import type { Client } from './client.ts';
import { kubectl, manifests } from './installation.ts';
import { parseAllDocuments } from 'yaml';

export interface Rule {
  apiGroups?: string[];
  resources?: string[];
  nonResourceURLs?: string[];
  resourceNames?: string[];
  verbs: string[];
}

export interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: Rule[];
  roleRef?: { kind: string; name: string };
  subjects?: { kind: string; name: string; namespace?: string }[];
}

/** The objects of a kustomization. */
export const render = async (server: TestApiServer, folder = manifests): Promise<Manifest[]> =>
  parseAllDocuments(await kubectl(server, ['kustomize', folder])).map(
    (document) => document.toJS() as Manifest,
  );

/** A rule as single rights, each as "verb resource.group", with the one name that it is limited to. */
export const rights = ({
  verbs,
  resources = [],
  nonResourceURLs = [],
  apiGroups = [],
  resourceNames = [],
}: Rule): string[] =>
  verbs.flatMap((verb) => [
    ...nonResourceURLs.map((url) => `${verb} ${url}`),
    ...resources.flatMap((resource) =>
      apiGroups.flatMap((group) => {
        const right = `${verb} ${group ? `${resource}.${group}` : resource}`;
        return resourceNames.length > 0 ? resourceNames.map((name) => `${right} ${name}`) : [right];
      }),
    ),
  ]);

/** What the manifests give an account in a namespace, or, without a namespace, anywhere. */
export function written(objects: readonly Manifest[], account: string, namespace?: string): string[] {
  const bindings = objects.filter(
    (o) =>
      o.subjects?.some((s) => s.kind === 'ServiceAccount' && s.name === account) &&
      (o.kind === 'ClusterRoleBinding' || namespace === undefined || o.metadata.namespace === namespace),
  );
  const roles = bindings.flatMap(({ roleRef, metadata }) =>
    objects.filter(
      (o) =>
        o.kind === roleRef?.kind &&
        o.metadata.name === roleRef.name &&
        o.metadata.namespace === metadata.namespace,
    ),
  );
  return [...new Set(roles.flatMap((role) => role.rules ?? []).flatMap(rights))].toSorted();
}

interface Review {
  status: { resourceRules: Rule[]; nonResourceRules: Rule[]; incomplete: boolean };
}

/** What the API server says that the client may do in a namespace. */
export async function effective(client: Client, namespace: string): Promise<string[]> {
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    spec: { namespace },
  };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
  const { status } = (await client.must({ method: 'POST', path, body })) as unknown as Review;
  return [...new Set([...status.resourceRules, ...status.nonResourceRules].flatMap(rights))].toSorted();
}
