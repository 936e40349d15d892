import { contentTypes, type ApiServer } from '../../operator/kube/api-server.ts';

const PATH = '/apis/apps/v1/namespaces/default/daemonsets';
const NAME = 'bench-shell';
const SECURITY = { privileged: true };
const IMAGE = 'local.test/busybox:1';

const template = (values: ReadonlyMap<string, string | number>): object => ({
  metadata: { labels: { app: NAME } },
  spec: {
    hostNetwork: true,
    terminationGracePeriodSeconds: 0,
    nodeSelector: { 'kubernetes.io/hostname': 'node-1' },
    initContainers: [
      {
        name: 'sysctl',
        image: IMAGE,
        imagePullPolicy: 'IfNotPresent',
        securityContext: SECURITY,
        command: ['sh', '-ec', [...values].map(([name, value]) => `sysctl -w ${name}=${value}`).join('\n')],
      },
    ],
    containers: [
      { name: 'pause', image: IMAGE, imagePullPolicy: 'IfNotPresent', command: ['sleep', '2147483647'] },
    ],
  },
});

/** What many use instead: a DaemonSet whose privileged init container sets the values. */
export class ShellDaemonSet {
  readonly #api: ApiServer;

  constructor(api: ApiServer) {
    this.#api = api;
  }

  async create(values: ReadonlyMap<string, string | number>): Promise<void> {
    const spec = { selector: { matchLabels: { app: NAME } }, template: template(values) };
    const body = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: NAME }, spec };
    await this.#api.request({ method: 'POST', path: PATH, body });
  }

  async patch(values: ReadonlyMap<string, string | number>): Promise<void> {
    const body = { spec: { template: template(values) } };
    const path = `${PATH}/${NAME}`;
    await this.#api.request({ method: 'PATCH', path, contentType: contentTypes.mergePatch, body });
  }

  async delete(): Promise<void> {
    await this.#api.request({ method: 'DELETE', path: `${PATH}/${NAME}` });
  }
}
