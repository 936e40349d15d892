import { isDeepStrictEqual } from 'node:util';
import { isMap, isNode, isScalar, parse, parseDocument, type Document } from 'yaml';

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

const rendered = (list: readonly string[]): string =>
  list.length === 0
    ? `${KEY}: []`
    : [`${KEY}:`, ...list.map((entry) => `  - ${JSON.stringify(entry)}`)].join('\n');

/** The drop-in that holds the list alone. */
export const renderDropIn = (list: readonly string[]): string =>
  [
    '# Written by sysctl-operator: what was allowed before, and what SysctlProfiles need. Do not edit; it is taken away',
    '# when no profile needs it any more.',
    'apiVersion: kubelet.config.k8s.io/v1beta1',
    'kind: KubeletConfiguration',
    rendered(list),
    '',
  ].join('\n');

/** Only the lines of the list replaced, or appended; undefined where the file is not laid out line by line, as JSON is not. */
function spliced(
  { text }: ConfigFile,
  document: Document.Parsed,
  list: readonly string[],
): string | undefined {
  if (!isMap(document.contents) || document.contents.flow) return undefined;
  const pair = document.contents.items.find(({ key }) => isScalar(key) && key.value === KEY);
  if (!pair) return list.length === 0 ? text : `${text.replace(/(?<=[^\n])$/, '\n')}${rendered(list)}\n`;
  const start = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
  const end = isNode(pair.value) ? pair.value.range?.[1] : undefined;
  if (start === undefined || end === undefined) return undefined;
  const newline = text[end - 1] === '\n' ? '\n' : '';
  return text.slice(0, start) + rendered(list) + newline + text.slice(end);
}

const hasList = (path: string, text: string, list: readonly string[]): boolean => {
  try {
    return isDeepStrictEqual(parseConfig({ path, text }).allowedUnsafeSysctls ?? [], list);
  } catch {
    return false;
  }
};

/** The file with another list, everything else as it was: comments, order and layout. */
export function withList(file: ConfigFile, list: readonly string[]): string {
  const document = parseDocument(file.text);
  const [error] = document.errors;
  if (error) throw new Error(`${file.path}: ${error.message}`, { cause: error });
  if (!isMap(document.contents)) throw new Error(`${file.path} is not a KubeletConfiguration`);
  const text = spliced(file, document, list);
  if (text !== undefined && hasList(file.path, text, list)) return text;
  document.set(KEY, document.createNode([...list]));
  return document.toString({ lineWidth: 0 });
}
