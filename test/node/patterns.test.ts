import { describe, expect } from '@jest/globals';
import { NOT_A_PATTERN, NOT_NAMESPACED, STARTS } from '../unit/support/judged-patterns.ts';
import { kubeletPid, onNode } from './support/cluster.ts';
import { scenario } from './support/scene.ts';

const FOLDER = '/tmp/judged-patterns';

const configuration = (list: readonly string[]): string =>
  JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    allowedUnsafeSysctls: list,
    // It has no API server that it could ask.
    authentication: { webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
  });

/** What a second kubelet on the node says of each list before it ends; the node's own goes on. */
async function judge(lists: readonly (readonly string[])[]): Promise<string[]> {
  const kubelet = `timeout 30 kubelet --config=/var/lib/kubelet/config.yaml --config-dir=${FOLDER} --root-dir=${FOLDER}/root`;
  const script = [
    `trap 'rm -rf ${FOLDER}' EXIT`,
    `mkdir -p ${FOLDER}`,
    ...lists.flatMap((list) => [
      `cat > ${FOLDER}/list.conf <<'END'\n${configuration(list)}\nEND`,
      `${kubelet} 2>&1 | grep -o 'failed to create kubelet: .*' || echo it says nothing of the list`,
    ]),
  ].join('\n');
  return (await onNode('node-1', 'sh', '-c', script)).split('\n');
}

const quoted = (text: string): string => String.raw`\"${text}\"`;

describe('what the operator says of an entry of the list is what a kubelet says', () => {
  scenario(
    'those that it lets pass: of a list with one bad entry at its end, that one is named',
    async () => {
      const before = await kubeletPid('node-1');
      expect(await judge([[...STARTS, 'vm.swappiness']])).toEqual([
        expect.stringContaining(`the sysctls ${quoted('vm.swappiness')} are not known to be namespaced`),
      ]);
      expect(await kubeletPid('node-1')).toBe(before);
    },
  );

  scenario('those that it does not know as namespaced', async () => {
    const said = await judge(NOT_NAMESPACED.map((entry) => [entry]));
    expect(said).toEqual(
      NOT_NAMESPACED.map((entry) =>
        expect.stringContaining(
          `the sysctls ${quoted(entry.replace('*', ''))} are not known to be namespaced`,
        ),
      ),
    );
  });

  scenario('those that are no patterns', async () => {
    const said = await judge(NOT_A_PATTERN.map((entry) => [entry]));
    expect(said).toEqual(
      NOT_A_PATTERN.map((entry) =>
        expect.stringContaining(`sysctl ${quoted(entry)} must have at most 253 characters and match regex`),
      ),
    );
  });
});
