import { paths } from '../../operator/api/names.ts';
import type { SysctlProfile } from '../../operator/api/profile.ts';
import { conditionOf } from '../../operator/api/conditions.ts';
import { patch, post } from '../../test/cluster/support/calls.ts';
import type { TestApiServer } from '../../test/cluster/support/api-server.ts';

/** Requests at once while nodes are made. */
const PARALLEL = 32;
const DEADLINE_MS = 600_000;

/** Most of a real Node is the list of its images: 50 of them, 5 KB. */
const images = Array.from({ length: 50 }, (_, i) => ({
  names: [`registry.example.com/platform/component-${i}@sha256:${'0123456789abcdef'.repeat(4)}`],
  sizeBytes: 1_000_000 + i,
}));

/** Calls for each item, so many at once. */
export async function forAll<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items].toReversed();
  const worker = async (): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

/** Nodes without kubelets, and profiles that match all of them or one in a hundred. */
export class Fleet {
  readonly names: readonly string[];
  readonly #server: TestApiServer;
  readonly #sysctls: number;

  constructor(server: TestApiServer, nodes: number, sysctls: number) {
    this.#server = server;
    this.#sysctls = sysctls;
    this.names = Array.from({ length: nodes }, (_, i) => `node-${i + 1}`);
  }

  async createNodes(): Promise<void> {
    const { admin } = this.#server;
    const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }];
    await forAll([...this.names.entries()], async ([i, name]) => {
      const labels = { 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': name, pool: 'all' };
      const metadata = { name, labels: i % 100 === 0 ? { ...labels, canary: 'true' } : labels };
      await admin.must(post(paths.nodes, { apiVersion: 'v1', kind: 'Node', metadata }));
      await admin.must(patch(`${paths.nodes}/${name}/status`, { status: { conditions, images } }));
    });
  }

  async resourceVersion(): Promise<string> {
    const list = await this.#server.admin.must({ path: `${paths.states}?limit=1` });
    return (list['metadata'] as { resourceVersion: string }).resourceVersion;
  }

  /** Makes a profile; resolves once it is Ready. */
  async create(name: string, value: number, label = 'pool'): Promise<void> {
    const matchLabels = label === 'pool' ? { pool: 'all' } : { [label]: 'true' };
    const rollout = { maxUnavailable: '100%' };
    const spec = { nodeSelector: { matchLabels }, rollout, sysctls: this.#values(name, value) };
    const kind = { apiVersion: 'sysctl-operator.dev/v1alpha1', kind: 'SysctlProfile' };
    await this.#server.admin.must(post(paths.profiles, { ...kind, metadata: { name }, spec }));
    await this.#ready(name, 1);
  }

  /** Changes every value of a profile; resolves once it is Ready. */
  async edit(name: string, value: number): Promise<void> {
    const changed = await this.#server.admin.must(
      patch(`${paths.profiles}/${name}`, { spec: { sysctls: this.#values(name, value) } }),
    );
    await this.#ready(name, (changed['metadata'] as { generation: number }).generation);
  }

  #values(profile: string, value: number): object[] {
    return Array.from({ length: this.#sysctls }, (_, i) => ({
      name: `net.ipv4.conf.${profile}${i}.medium_id`,
      value,
      scope: 'Node',
    }));
  }

  async #ready(name: string, generation: number): Promise<void> {
    for (const end = performance.now() + DEADLINE_MS; ;) {
      const profile = await this.#server.admin.must({ path: `${paths.profiles}/${name}` });
      const { status } = profile as unknown as SysctlProfile;
      const ready = conditionOf(status?.conditions, 'Ready');
      if (ready?.status === 'True' && ready.observedGeneration === generation) return;
      if (performance.now() > end) throw new Error(`${name}: ${ready?.reason} ${ready?.message}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
