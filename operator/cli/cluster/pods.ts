import type { ObjectMeta } from '../../api/meta.ts';
import type { ApiServer } from '../../kube/api-server.ts';
import type { PodSysctls } from '../../plan/preview/kubelet-change.ts';
import { listAll, wasStatus } from './lists.ts';

interface Pod {
  metadata: ObjectMeta;
  spec: { nodeName?: string; securityContext?: { sysctls?: { name: string }[] } };
}

const PATH = '/api/v1/pods';
const RUNNING = 'status.phase=Running';
/** Up to this many nodes are asked for one by one: all pods of a large cluster are hundreds of megabytes. */
const ONE_BY_ONE = 25;

/** Running pods that set sysctls, by node; undefined where the user may not list pods. Asked only for the nodes that are named. */
export async function podsOn(
  api: ApiServer,
  nodes: ReadonlySet<string>,
): Promise<Map<string, PodSysctls[]> | undefined> {
  const selectors =
    nodes.size <= ONE_BY_ONE ? [...nodes].map((node) => `${RUNNING},spec.nodeName=${node}`) : [RUNNING];
  const found = new Map<string, PodSysctls[]>();
  try {
    for (const fieldSelector of selectors)
      for (const { metadata, spec } of await listAll<Pod>(api, PATH, { query: { fieldSelector } })) {
        const sysctls = (spec.securityContext?.sysctls ?? []).map((s) => s.name);
        if (sysctls.length === 0 || spec.nodeName === undefined || !nodes.has(spec.nodeName)) continue;
        const pod = { pod: `${metadata.namespace}/${metadata.name}`, sysctls };
        found.set(spec.nodeName, [...(found.get(spec.nodeName) ?? []), pod]);
      }
  } catch (error) {
    if (wasStatus(error, 403)) return undefined;
    throw error;
  }
  return found;
}
