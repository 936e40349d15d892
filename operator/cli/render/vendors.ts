import { stringify } from 'yaml';
import type { ProviderRange } from '../../sysctl/catalog/types.ts';
import { AKS_NAMES, AKS_SWITCH } from '../vendors.ts';
import { lostOfNodes, type Input, type Item, type Output } from './rendering.ts';

const nodeItems = ({ items }: Input): Item[] => items.filter(({ lane }) => lane === 'Node');

const outside = (value: string, range: ProviderRange | undefined): boolean =>
  range !== undefined && typeof range !== 'string' && (Number(value) < range[0] || Number(value) > range[1]);

/** Splits the node's entries into what a vendor takes and why it does not take the others. */
function sift(
  input: Input,
  vendor: 'aks' | 'gke',
  known: (item: Item) => boolean,
): { taken: Item[]; lost: string[] } {
  const taken: Item[] = [];
  const lost: string[] = [];
  for (const item of nodeItems(input)) {
    const range = item.catalog?.providers?.[vendor];
    if (!known(item)) lost.push(`${item.name}: ${vendor.toUpperCase()} has no setting for it`);
    else if (outside(item.value, range))
      lost.push(
        `${item.name}: ${vendor.toUpperCase()} takes ${String(range).replace(',', ' to ')}, not ${item.value}`,
      );
    else taken.push(item);
  }
  return { taken, lost: [...lost, ...lostOfNodes(taken)] };
}

const numberOrText = (value: string): number | string => (/^-?\d+$/.test(value) ? Number(value) : value);

/** kubeletConfig and linuxOSConfig of an agent pool of AKS, as az aks nodepool add takes them. */
export function aks(input: Input): Output {
  const { taken, lost } = sift(
    input,
    'aks',
    ({ name, value }) => Object.hasOwn(AKS_NAMES, name) && !(name === AKS_SWITCH && Number(value) > 1),
  );
  const sysctls = Object.fromEntries(
    taken.map(({ name, value }) => [
      AKS_NAMES[name] ?? name,
      name === AKS_SWITCH ? value === '1' : numberOrText(value),
    ]),
  );
  const config = {
    ...(input.patterns.length > 0 && { kubeletConfig: { allowedUnsafeSysctls: input.patterns } }),
    ...(taken.length > 0 && { linuxOSConfig: { sysctls } }),
  };
  return { text: `${JSON.stringify(config, null, 2)}\n`, lost };
}

/** A node system configuration of GKE (gcloud container node-pools create --system-config-from-file). */
export function gke(input: Input): Output {
  const { taken, lost } = sift(input, 'gke', ({ catalog }) => catalog?.providers?.gke !== undefined);
  const config = {
    ...(input.patterns.length > 0 && { kubeletConfig: { allowedUnsafeSysctls: input.patterns } }),
    ...(taken.length > 0 && {
      linuxConfig: { sysctl: Object.fromEntries(taken.map(({ name, value }) => [name, value])) },
    }),
  };
  return { text: stringify(config, { lineWidth: 0 }), lost };
}

/** A patch of a Talos machine configuration (talosctl apply-config --config-patch). */
export function talos(input: Input): Output {
  const items = nodeItems(input);
  const machine = {
    ...(items.length > 0 && { sysctls: Object.fromEntries(items.map(({ name, value }) => [name, value])) }),
    ...(input.patterns.length > 0 && { kubelet: { extraConfig: { allowedUnsafeSysctls: input.patterns } } }),
  };
  return { text: stringify({ machine }, { lineWidth: 0 }), lost: lostOfNodes(items) };
}

const toml = (text: string): string => JSON.stringify(text);

/** User data of Bottlerocket. */
export function bottlerocket(input: Input): Output {
  const items = nodeItems(input);
  const kernel = items.map(({ name, value }) => `${toml(name)} = ${toml(value)}\n`);
  const blocks = [
    ...(items.length > 0 ? [`[settings.kernel.sysctl]\n${kernel.join('')}`] : []),
    ...(input.patterns.length > 0
      ? [`[settings.kubernetes]\nallowed-unsafe-sysctls = [${input.patterns.map(toml).join(', ')}]\n`]
      : []),
  ];
  return { text: blocks.join('\n'), lost: lostOfNodes(items) };
}
