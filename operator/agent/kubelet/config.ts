import { isMap, parse, parseDocument } from 'yaml';

export const KEY = 'allowedUnsafeSysctls';

export interface ConfigFile {
  path: string;
  text: string;
}

/** What of a KubeletConfiguration matters here. */
export interface KubeletConfig {
  allowedUnsafeSysctls?: string[] | null;
  address?: string;
  port?: number;
  healthzBindAddress?: string;
  healthzPort?: number;
  tlsCertFile?: string;
}

/** Parses a KubeletConfiguration (JSON is YAML). Throws an error that names the file. */
export function parseConfig({ path, text }: ConfigFile): KubeletConfig {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${path} is not a KubeletConfiguration`);
  const list = (value as KubeletConfig)[KEY];
  if (
    list !== undefined &&
    list !== null &&
    !(Array.isArray(list) && list.every((e) => typeof e === 'string'))
  )
    throw new Error(`${path}: ${KEY} is not a list of names`);
  return value as KubeletConfig;
}

/** Files in the kubelet's order: a later one replaces what it names, null takes away (kubelet/kubeletconfig, a JSON merge patch). */
export function merge(files: readonly ConfigFile[]): KubeletConfig {
  const merged: Record<string, unknown> = {};
  for (const file of files)
    for (const [key, value] of Object.entries(parseConfig(file)))
      if (value === null) delete merged[key];
      else merged[key] = value;
  return merged as KubeletConfig;
}

/** The drop-in that holds the list alone. */
export const renderDropIn = (list: readonly string[]): string =>
  [
    '# Written by sysctl-operator: what was allowed before, and what SysctlProfiles need. Do not edit; it is taken away',
    '# when no profile needs it any more.',
    'apiVersion: kubelet.config.k8s.io/v1beta1',
    'kind: KubeletConfiguration',
    `${KEY}:`,
    ...list.map((entry) => `  - ${JSON.stringify(entry)}`),
    '',
  ].join('\n');

/** The file with another list, comments and layout kept; an empty list takes the key away. */
export function withList(file: ConfigFile, list: readonly string[]): string {
  const document = parseDocument(file.text);
  const [error] = document.errors;
  if (error) throw new Error(`${file.path}: ${error.message}`, { cause: error });
  if (!isMap(document.contents)) throw new Error(`${file.path} is not a KubeletConfiguration`);
  if (list.length > 0) document.set(KEY, document.createNode([...list]));
  else document.delete(KEY);
  return document.toString({ lineWidth: 0 });
}
