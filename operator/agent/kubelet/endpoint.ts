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
  /** Running pods that set sysctls. */
  pods(): Promise<PodSysctls[]>;
  close(): void;
}

export interface EndpointOptions {
  host: string;
  port: number;
  /** The certificate that the kubelet serves with. */
  certificate: string;
  tokenFile: string;
  health: { host: string; port: number } | undefined;
}

const HEALTH_MS = 2000;

interface PodList {
  items?: {
    metadata: { namespace: string; name: string };
    spec?: { securityContext?: { sysctls?: { name: string }[] } };
    status?: { phase?: string };
  }[];
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
  const { host, port, certificate, tokenFile, health } = options;
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
    async pods() {
      const { items = [] } = await request<PodList>('/pods');
      return items
        .filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed')
        .map(({ metadata, spec }) => ({
          pod: `${metadata.namespace}/${metadata.name}`,
          sysctls: (spec?.securityContext?.sysctls ?? []).map(({ name }) => name),
        }))
        .filter(({ sysctls }) => sysctls.length > 0);
    },
    close: () => api?.close(),
  };
}
