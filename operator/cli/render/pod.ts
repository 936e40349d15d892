import { stringify } from 'yaml';
import { PROFILE_LABEL_PREFIX } from '../../api/names.ts';
import { needsAllowing, refusedInContainer } from './container.ts';
import { lostMatch, type Input, type Output } from './rendering.ts';

/** What a pod has to say to get the values for itself: a part of spec. */
export function pod({ items, profile }: Input): Output {
  const taken = items.filter((item) => refusedInContainer(item) === undefined);
  const sysctls = taken.map(({ name, value }) => ({ name, value }));
  const label = { [`${PROFILE_LABEL_PREFIX}${profile.metadata.name}`]: 'ready' };
  const forHost = taken.filter(({ entry }) => entry.scope === 'Node').map(({ name }) => name);
  const unsafe = taken
    .filter((item) => item.entry.scope === 'Node' && needsAllowing(item))
    .map(({ name }) => name);
  const spec = {
    nodeSelector: label,
    ...(sysctls.length > 0 && { securityContext: { sysctls } }),
  };
  return {
    text: stringify({ spec }, { lineWidth: 0, defaultStringType: 'PLAIN' }),
    lost: [
      ...items.flatMap((item) => refusedInContainer(item) ?? []),
      ...taken.flatMap(lostMatch),
      ...(forHost.length > 0
        ? [`${forHost.join(', ')}: ${profile.metadata.name} sets the host's, this sets the pod's`]
        : []),
      ...(unsafe.length > 0
        ? [
            `${unsafe.join(', ')}: the kubelet must allow it, and ${profile.metadata.name} does not make it: add pods.allowedUnsafeSysctls`,
          ]
        : []),
    ],
  };
}
