import { get } from 'node:http';
import type { HttpsApiServer } from '../../kube/https-api-server.ts';
import { serviceAccountApiServer } from '../../kube/service-account.ts';
import type { PodSysctls } from './change.ts';
import type { KubeletConfig } from './config.ts';

/** The running kubelet, asked over its own ports. */
export interface KubeletEndpoint {
  healthy(): Promise<boolean>;
  /** The live allow-list, from configz. */
  list(): Promise<string[]>;
  /** Running pods; undefined while the kubelet, which has just started, has not heard of them from the API server. */
  pods(): Promise<PodSysctls[] | undefined>;
  close(): void;
}

export interface EndpointOptions {
  host: string;
  port: number;
  /** The certificate that the kubelet serves with. */
  certificate: string;
  tokenFile: string;
  /** namespace/name of a pod that is on this node for certain: a kubelet that does not know of it knows at most of its static pods. */
  knownPod?: string;
  health: { host: string; port: number } | undefined;
}

const HEALTH_MS = 2000;

/** What /pods answers, as far as it is used. */
export interface PodList {
  /** null until the first pod is known. */
  items?:
    | {
        metadata: { namespace: string; name: string };
        spec?: { securityContext?: { sysctls?: { name: string }[] } };
        status?: { phase?: string };
      }[]
    | null;
}

/**
 * What an answer of /pods says, finished pods left out. undefined where it comes from a kubelet that has not heard of the API server's pods:
 * it lists none (null), or its static ones alone. Pure.
 */
export function podsOf({ items }: PodList, knownPod: string | undefined): PodSysctls[] | undefined {
  const pods = (items ?? [])
    .filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed')
    .map(({ metadata, spec }) => ({
      pod: `${metadata.namespace}/${metadata.name}`,
      sysctls: (spec?.securityContext?.sysctls ?? []).map(({ name }) => name),
    }));
  const complete = knownPod === undefined ? items : pods.some(({ pod }) => pod === knownPod);
  return complete ? pods : undefined;
}

const answers = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const request = get({ host, port, path: '/healthz', timeout: HEALTH_MS, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
    request.on('close', () => resolve(false));
  });

/** The kubelet at 10250 needs no more than get on nodes/configz and nodes/pods (KEP-2862), and at 10248 nothing. */
export function kubeletEndpoint(options: EndpointOptions): KubeletEndpoint {
  const { host, port, certificate, tokenFile, knownPod, health } = options;
  const open = (): HttpsApiServer =>
    serviceAccountApiServer({ host, port, caFile: certificate, tokenFile, pinned: true });
  let api: HttpsApiServer | undefined;
  const request = async <T>(path: string): Promise<T> => {
    api ??= open();
    try {
      return await api.request<T>({ method: 'GET', path });
    } catch (error) {
      // A kubelet that starts may serve with another certificate.
      api.close();
      api = undefined;
      throw error;
    }
  };
  const list = async (): Promise<string[]> => {
    const { kubeletconfig } = await request<{ kubeletconfig?: KubeletConfig }>('/configz');
    if (!kubeletconfig) throw new Error('the answer of /configz has no kubeletconfig');
    // Absent when it is empty.
    return kubeletconfig.allowedUnsafeSysctls ?? [];
  };
  return {
    list,
    healthy: () =>
      health
        ? answers(health.host, health.port)
        : list().then(
            () => true,
            () => false,
          ),
    async pods(): Promise<PodSysctls[] | undefined> {
      return podsOf(await request<PodList>('/pods'), knownPod);
    },
    close: () => api?.close(),
  };
}
