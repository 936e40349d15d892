import { deviceOf, refusedInContainer } from './container.ts';
import { lostMatch, type Input, type Item, type Output } from './rendering.ts';

const quoted = (text: string): string =>
  /^[\w./=@:,+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

function refused(item: Item): string | undefined {
  const device = deviceOf(item.name);
  return (
    refusedInContainer(item) ??
    (device
      ? `${item.name}: docker sets keys of ${device} with --network name=NETWORK,driver-opt=com.docker.network.endpoint.sysctls=...`
      : undefined)
  );
}

/** The --sysctl flags of docker, podman and nerdctl run, one a line: those that the runtime accepts, and no others. */
export function docker({ items, profile, patterns }: Input): Output {
  const taken = items.filter((item) => refused(item) === undefined);
  const named = new Set(items.map(({ name }) => name));
  const onlyAllowed = patterns.filter((pattern) => !named.has(pattern));
  const forHost = taken.filter(({ entry }) => entry.scope === 'Node').map(({ name }) => name);
  return {
    text: taken.map(({ name, value }) => `--sysctl ${quoted(`${name}=${value}`)}\n`).join(''),
    lost: [
      ...items.flatMap((item) => refused(item) ?? []),
      ...taken.flatMap(lostMatch),
      ...(forHost.length > 0
        ? [
            `${forHost.join(', ')}: ${profile.metadata.name} sets the host's, the flag sets the container's (and is refused with --network host)`,
          ]
        : []),
      ...(onlyAllowed.length > 0
        ? [`${onlyAllowed.join(', ')}: allowed to pods without a value, so there is nothing to set`]
        : []),
    ],
  };
}
