import { parseAllDocuments } from 'yaml';
import type { SysctlEntry } from '../../api/profile.ts';
import { plainEntry } from '../sysctl-d-marks.ts';
import { InputError } from '../usage.ts';
import { AKS_NAMES } from '../vendors.ts';
import { acceptable, newProfile, type Adopted, type Settings } from './adopted.ts';

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The first of these paths that leads somewhere. */
function at(tree: Tree, ...paths: string[]): unknown {
  for (const path of paths) {
    const value = path
      .split('.')
      .reduce<unknown>((node, key) => (isTree(node) ? node[key] : undefined), tree);
    if (value !== undefined) return value;
  }
  return undefined;
}

function documents(text: string): Tree[] {
  return parseAllDocuments(text, { logLevel: 'error' }).map((document) => {
    const [error] = document.errors;
    if (error) throw new InputError(error.message.split('\n')[0] ?? 'the file is not YAML or JSON');
    const tree: unknown = document.toJS();
    return isTree(tree) ? tree : {};
  });
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

const textOf = (value: unknown): string =>
  typeof value === 'boolean' ? String(Number(value)) : String(value);

function entriesOf(map: unknown, nameOf: (key: string) => string | undefined, lost: string[]): SysctlEntry[] {
  if (!isTree(map)) return [];
  return Object.entries(map).flatMap(([key, value]) => {
    const name = nameOf(key);
    if (name === undefined) lost.push(`${key}: not a sysctl that is known`);
    return name === undefined || value === null ? [] : [plainEntry(name, textOf(value), false)];
  });
}

function finish(name: string, parts: Settings[]): Adopted {
  const all = acceptable({
    entries: parts.flatMap(({ entries }) => entries),
    patterns: [...new Set(parts.flatMap(({ patterns = [] }) => patterns))],
    lost: parts.flatMap(({ lost }) => lost),
  });
  const empty = all.entries.length + (all.patterns?.length ?? 0) === 0;
  return { profiles: empty ? [] : [newProfile(name, all)], lost: all.lost };
}

const identity = (key: string): string => key;
const aksNames = new Map(Object.entries(AKS_NAMES).map(([name, key]) => [key.toLowerCase(), name]));

/** linuxosconfig.json, linuxkubeletconfig.json, or an agent pool as az shows it. */
export function fromAks(text: string, name: string): Adopted {
  const parts = documents(text).map((tree): Settings => {
    const lost: string[] = [];
    const map = at(
      tree,
      'sysctls',
      'linuxOSConfig.sysctls',
      'linuxOsConfig.sysctls',
      'properties.linuxOSConfig.sysctls',
    );
    const patterns = texts(
      at(
        tree,
        'allowedUnsafeSysctls',
        'kubeletConfig.allowedUnsafeSysctls',
        'properties.kubeletConfig.allowedUnsafeSysctls',
      ),
    );
    return { entries: entriesOf(map, (key) => aksNames.get(key.toLowerCase()), lost), patterns, lost };
  });
  return finish(name, parts);
}

/** A node system configuration, or a node pool as gcloud shows it. */
export function fromGke(text: string, name: string): Adopted {
  const parts = documents(text).map((tree): Settings => {
    const lost: string[] = [];
    const map = at(tree, 'linuxConfig.sysctl', 'linuxConfig.sysctls', 'config.linuxNodeConfig.sysctls');
    const patterns = texts(
      at(tree, 'kubeletConfig.allowedUnsafeSysctls', 'config.kubeletConfig.allowedUnsafeSysctls'),
    );
    return { entries: entriesOf(map, identity, lost), patterns, lost };
  });
  return finish(name, parts);
}

/** A machine configuration or a patch of one. */
export function fromTalos(text: string, name: string): Adopted {
  const parts = documents(text).map((tree): Settings => {
    const lost: string[] = [];
    const patterns = texts(at(tree, 'machine.kubelet.extraConfig.allowedUnsafeSysctls'));
    return { entries: entriesOf(at(tree, 'machine.sysctls'), identity, lost), patterns, lost };
  });
  return finish(name, parts);
}
