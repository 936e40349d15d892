import { stringify } from 'yaml';
import type { Input, Output } from './rendering.ts';

const nodeItems = ({ items }: Input): string[] =>
  items
    .filter(({ lane }) => lane === 'Node')
    .map(({ name }) => `${name}: the kubelet sets nothing on nodes; see --to sysctl.d`);

/** A drop-in for the kubelet's --config-dir. */
export function kubelet(input: Input): Output {
  const { patterns, items } = input;
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    allowedUnsafeSysctls: patterns,
  };
  const values = items
    .filter(({ lane, name }) => lane === 'Pod' && patterns.includes(name))
    .map(({ name }) => name);
  return {
    text: patterns.length > 0 ? stringify(config, { lineWidth: 0 }) : '',
    lost: [
      ...nodeItems(input),
      ...(values.length > 0
        ? [`${values.join(', ')}: allowed, not set; the values are each pod's own affair`]
        : []),
      ...(patterns.length > 0
        ? ['lists of other drop-ins: the last file replaces them, so add what they have']
        : ['nothing is left: the profile allows pods nothing that needs allowing']),
    ],
  };
}
