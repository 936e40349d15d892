import { paths } from '../../operator/api/names.ts';
import type { SysctlProfile, SysctlProfileSpec } from '../../operator/api/profile.ts';
import { conditionOf } from '../../operator/api/conditions.ts';
import { contentTypes, isStatus, type ApiServer } from '../../operator/kube/api-server.ts';

/** A profile of a benchmark on a cluster where the operator runs. */
export class LiveProfile {
  readonly #api: ApiServer;
  readonly #name: string;
  readonly #path: string;

  constructor(api: ApiServer, name: string) {
    this.#api = api;
    this.#name = name;
    this.#path = `${paths.profiles}/${name}`;
  }

  async create(spec: SysctlProfileSpec): Promise<void> {
    const body = {
      apiVersion: 'sysctl-operator.dev/v1alpha1',
      kind: 'SysctlProfile',
      metadata: { name: this.#name },
      spec,
    };
    await this.#api.request({ method: 'POST', path: paths.profiles, body });
    await this.ready(1);
  }

  /** Changes the spec; resolves with the new generation when the API server has answered. */
  async patch(spec: Partial<SysctlProfileSpec>): Promise<number> {
    const { metadata } = await this.#api.request<SysctlProfile>({
      method: 'PATCH',
      path: this.#path,
      contentType: contentTypes.mergePatch,
      body: { spec },
    });
    return metadata.generation ?? 0;
  }

  /** Until this generation or a later one is Ready. */
  async ready(generation: number, ms = 60_000): Promise<void> {
    for (const end = performance.now() + ms; ;) {
      const { status } = await this.#api.request<SysctlProfile>({ method: 'GET', path: this.#path });
      const ready = conditionOf(status?.conditions, 'Ready');
      if (ready?.status === 'True' && (ready.observedGeneration ?? 0) >= generation) return;
      if (performance.now() > end)
        throw new Error(`profile ${this.#name} is not Ready: ${ready?.reason} ${ready?.message}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async delete(): Promise<void> {
    await this.#api.request({ method: 'DELETE', path: this.#path }).catch((error: unknown) => {
      if (!isStatus(error, 404)) throw error;
    });
  }
}
