import { parse as parseYaml } from 'yaml';
import type { Layout } from '../../cluster/tool/layout.ts';
import { nodeExec } from '../../cluster/tool/node-exec.ts';
import { DROP_IN } from '../../node/support/cluster.ts';
import type { Admin } from './admin.ts';
import type { Wanted } from './profiles.ts';

const STATE = '/var/lib/sysctl-operator';

/** What a node is, whatever anybody says of it. */
export interface NodeLook {
  /** Live values by name, with single spaces. */
  values: Record<string, string>;
  /** allowedUnsafeSysctls of the running kubelet. */
  allowed: string[];
  /** Originals by name, from the agent's ledger. */
  originals: Record<string, string>;
}

interface Configz {
  kubeletconfig: { allowedUnsafeSysctls?: string[] };
}

const squeezed = (text: string): string => text.trim().replaceAll(/\s+/g, ' ');

/** Files of the agent on the node as they lie there, by path; those that are not there are left out. */
async function files(layout: Layout, node: string): Promise<Map<string, string>> {
  const script = `for f in ${STATE}/*.json ${DROP_IN}; do [ -e "$f" ] && printf '\\1%s\\2' "$f" && cat "$f"; done; true`;
  const text = await nodeExec(layout, node, 'sh', '-c', script);
  return new Map(
    text
      .split('\u0001')
      .filter(Boolean)
      .map((part) => part.split('\u0002') as [string, string]),
  );
}

/** Files of the agent that are neither the old nor the new content: cut, or not what they must be. */
export async function halfMade(layout: Layout, node: string): Promise<string[]> {
  const problems: string[] = [];
  for (const [path, content] of await files(layout, node)) {
    try {
      const parsed: unknown = path.endsWith('.json') ? JSON.parse(content) : parseYaml(content);
      if (typeof parsed !== 'object' || parsed === null) throw new Error('it is no object');
    } catch (error) {
      problems.push(`${node}: ${path} is half-made (${String(error)}): ${content.slice(0, 300)}`);
    }
  }
  return problems;
}

export async function look(
  layout: Layout,
  admin: Admin,
  node: string,
  keys: readonly string[],
): Promise<NodeLook> {
  const [values, found, configz] = await Promise.all([
    nodeExec(layout, node, 'sysctl', '-n', ...keys),
    files(layout, node),
    admin.get<Configz>(`/api/v1/nodes/${node}/proxy/configz`),
  ]);
  const ledger = JSON.parse(found.get(`${STATE}/ledger.json`) ?? '{"entries":{}}') as {
    entries: Record<string, { original: string }>;
  };
  const lines = values.trimEnd().split('\n');
  return {
    values: Object.fromEntries(keys.map((key, i) => [key, squeezed(lines[i] ?? '')])),
    allowed: (configz?.kubeletconfig.allowedUnsafeSysctls ?? []).toSorted(),
    originals: Object.fromEntries(
      Object.entries(ledger.entries).map(([name, { original }]) => [name, squeezed(original)]),
    ),
  };
}

/** Where a node is not as wanted; `before` is how it was before the first profile. Pure. */
export function differences(node: string, now: NodeLook, wanted: Wanted, before: NodeLook): string[] {
  const problems: string[] = [];
  const values = { ...before.values };
  for (const [name, value] of wanted.sysctls) values[name] = value;
  for (const [name, value] of Object.entries(values))
    if (now.values[name] !== value)
      problems.push(`${node}: ${name} is ${now.values[name]}, and must be ${value}`);
  const list = [...new Set([...before.allowed, ...wanted.patterns])].toSorted();
  if (JSON.stringify(now.allowed) !== JSON.stringify(list))
    problems.push(
      `${node}: the kubelet allows [${now.allowed.join(' ')}], and must allow [${list.join(' ')}]`,
    );
  const originals = Object.fromEntries(wanted.sysctls.map(([name]) => [name, before.values[name]]));
  for (const name of new Set([...Object.keys(originals), ...Object.keys(now.originals)]))
    if (now.originals[name] !== originals[name])
      problems.push(
        `${node}: the ledger has ${now.originals[name] ?? 'nothing'} for the original of ${name}, and must have ${originals[name] ?? 'nothing'}`,
      );
  return problems;
}

/** Everything on a node that must be as before once it is given back: settings of its kernel, and files of its configuration. */
export async function fingerprint(layout: Layout, node: string): Promise<Map<string, string>> {
  // Not: what belongs to links of pods that come and go, and what counts.
  const kernel = `sysctl -a 2>/dev/null | grep -E '^(net|kernel\\.(msg|sem|shm)|fs\\.mqueue)' | grep -Ev 'veth|_count '`;
  const places =
    '/etc/cni /etc/containerd /etc/kubernetes /etc/sysctl.d /etc/systemd /usr/lib/node-units /var/lib/kubelet/config.yaml';
  const configuration = `find ${places} -xdev -type f -exec sha256sum {} + 2>/dev/null || true`;
  const script = `${kernel}; ${configuration}`;
  const text = await nodeExec(layout, node, 'sh', '-c', script);
  return new Map(
    text
      .trimEnd()
      .split('\n')
      .map((line) => {
        const sum = /^([0-9a-f]{64}) {2}(.*)$/.exec(line);
        if (sum) return [sum[2] ?? '', sum[1] ?? ''];
        const at = line.indexOf(' = ');
        return [line.slice(0, at), squeezed(line.slice(at + 3))];
      }),
  );
}
