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
  return value;
}

/** Files in the kubelet's order: a later one replaces what it names, null takes away (kubelet/kubeletconfig, a JSON merge patch). */
export function merge(files: readonly ConfigFile[]): KubeletConfig {
  const merged: Record<string, unknown> = {};
  for (const file of files)
    for (const [key, value] of Object.entries(parseConfig(file)))
      if (value === null) delete merged[key];
      else merged[key] = value;
  return merged;
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

/** The list that a file brings; empty where it brings none. */
export const listOf = (file: ConfigFile): string[] => parseConfig(file)[KEY] ?? [];

/** From the key to the end of its value, as offsets in the text; undefined where the file is not laid out line by line, as JSON is not. */
function span(document: Document.Parsed): { start: number; end: number } | 'absent' | undefined {
  if (!isMap(document.contents) || document.contents.flow) return undefined;
  const pair = document.contents.items.find(({ key }) => isScalar(key) && key.value === KEY);
  if (!pair) return 'absent';
  const start = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
  const end = isNode(pair.value) ? pair.value.range?.[1] : undefined;
  return start === undefined || end === undefined ? undefined : { start, end };
}

/** Only the lines of the list replaced, appended or taken out. */
function spliced(
  text: string,
  document: Document.Parsed,
  list: readonly string[] | undefined,
): string | undefined {
  const found = span(document);
  if (found === undefined || (found === 'absent' && !list)) return undefined;
  if (found === 'absent') return `${text.replace(/(?<=[^\n])$/, '\n')}${rendered(list ?? [])}\n`;
  const { start, end } = found;
  const rest = text.slice(end);
  if (!list) return text.slice(0, start) + (text[end - 1] === '\n' ? rest : rest.replace(/^[^\n]*\n?/, ''));
  return text.slice(0, start) + rendered(list) + (text[end - 1] === '\n' ? '\n' : '') + rest;
}

/** The whole file from what it says; undefined where that cannot be written, because an alias has lost its anchor. */
function writtenAnew(document: Document.Parsed, list: readonly string[] | undefined): string | undefined {
  if (list) document.set(KEY, document.createNode([...list]));
  else document.delete(KEY);
  try {
    return document.toString({ lineWidth: 0 });
  } catch {
    return undefined;
  }
}

/** The text says the list, and about everything else what the file says. */
function saysBut(file: ConfigFile, text: string, list: readonly string[] | undefined): boolean {
  try {
    const expected: Record<string, unknown> = { ...parseConfig(file) };
    delete expected[KEY];
    return isDeepStrictEqual(parseConfig({ ...file, text }), list ? { ...expected, [KEY]: list } : expected);
  } catch {
    return false;
  }
}

/**
 * The file with another list, or without the key; everything else as it was: comments, order and layout. The very same text where it
 * has that list already. Throws where the file is not valid.
 */
export function withList(file: ConfigFile, list: readonly string[] | undefined): string {
  const config = parseConfig(file);
  if (list ? isDeepStrictEqual(config[KEY] ?? [], list) : !(KEY in config)) return file.text;
  const document = parseDocument(file.text);
  const text = spliced(file.text, document, list);
  if (text !== undefined && saysBut(file, text, list)) return text;
  const anew = writtenAnew(document, list);
  if (anew === undefined || !saysBut(file, anew, list))
    throw new Error(`${file.path}: ${KEY} cannot be changed alone, because something else refers to it`);
  return anew;
}
