import { isAlias, isMap, isScalar, isSeq, parseAllDocuments, type Document, type YAMLMap } from 'yaml';
import { API_VERSION } from '../../api/names.ts';
import { readCommand } from './read-command.ts';
import { readProfile } from './read-profile.ts';
import type { Report } from './report.ts';
import { written } from './scalars.ts';
import type { Source, Span } from './source.ts';
import type { Setting, Subjects } from './subjects.ts';

/** What is known of the pod around a node of the tree. */
interface Around {
  hostNetwork: boolean;
  hostIPC: boolean;
  nodeSelector: Record<string, unknown>;
}

const spanOf = (node: { range?: [number, number, number] | null | undefined } | null | undefined): Span => [
  node?.range?.[0] ?? 0,
  node?.range?.[1] ?? 0,
];

/** Goes through one document. What is looked for may stand anywhere: in a List, a Deployment, the values of a chart, another operator's object. */
export class Reader {
  readonly #source: Source;
  readonly #subjects: Subjects;
  readonly #report: Report;

  constructor(source: Source, subjects: Subjects, report: Report) {
    this.#source = source;
    this.#subjects = subjects;
    this.#report = report;
  }

  document(document: Document): void {
    this.#node(document.contents, { hostNetwork: false, hostIPC: false, nodeSelector: {} }, document);
  }

  #node(node: unknown, around: Around, document: Document): void {
    if (isSeq(node)) for (const item of node.items) this.#node(item, around, document);
    // What an alias stands for is read where it is written; it may even stand for what it is in.
    if (!isMap(node)) return;
    if (node.get('kind') === 'SysctlProfile' && node.get('apiVersion') === API_VERSION) {
      readProfile(node, document, this.#source, this.#subjects, this.#report);
      return;
    }
    if (this.#removedApis(node)) return;
    const inside = this.#around(node, around);
    for (const { key, value } of node.items)
      this.#pair(isScalar(key) ? String(key.value) : '', value, inside, document);
  }

  #around(map: YAMLMap, outside: Around): Around {
    const selector = map.get('nodeSelector');
    return {
      hostNetwork: outside.hostNetwork || map.get('hostNetwork') === true,
      hostIPC: outside.hostIPC || map.get('hostIPC') === true,
      nodeSelector: isMap(selector) ? (selector.toJSON() as Record<string, unknown>) : outside.nodeSelector,
    };
  }

  #pair(key: string, value: unknown, around: Around, document: Document): void {
    const target = isAlias(value) ? value.resolve(document) : value;
    if (key === 'allowedUnsafeSysctls' && isSeq(target)) this.#patterns(target.items);
    else if (key === 'allowed-unsafe-sysctls' && isScalar(target)) this.#flag(target);
    else if (key === 'securityContext' || key === 'podSecurityContext') this.#securityContext(target, around);
    else if (key === 'command' || key === 'args')
      readCommand(target, around.hostNetwork, this.#source, this.#subjects);
    else if (key === 'sysctlVmMaxMapCount' && isScalar(target)) this.#chartValue(target, around);
    else this.#node(value, around, document);
  }

  #patterns(items: unknown[]): void {
    for (const item of items)
      if (isScalar(item))
        this.#subjects.patterns.push({
          source: this.#source,
          pattern: String(item.value),
          span: spanOf(item),
        });
  }

  /** kubeletExtraArgs of kubeadm: one text with commas. */
  #flag(value: { value: unknown; range?: [number, number, number] | null | undefined }): void {
    const [start, end] = spanOf(value);
    const text = this.#source.text.slice(start, end);
    for (const { 0: pattern, index } of text.matchAll(/[^\s,"']+/g))
      this.#subjects.patterns.push({
        source: this.#source,
        pattern,
        span: [start + index, start + index + pattern.length],
      });
  }

  #securityContext(context: unknown, around: Around): void {
    const list = isMap(context) ? context.get('sysctls', true) : undefined;
    if (!isSeq(list)) return;
    const settings = list.items.filter((item) => isMap(item)).flatMap((item) => this.#setting(item));
    this.#subjects.pods.push({ source: this.#source, settings, ...around });
  }

  #setting(item: YAMLMap): Setting[] {
    const [name, value] = [item.get('name', true), item.get('value', true)];
    if (!isScalar(name)) {
      this.#report.add('syntax', this.#source, spanOf(item), 'an entry needs name and value');
      return [];
    }
    const setting: Setting = { source: this.#source, name: String(name.value), nameSpan: spanOf(name) };
    if (isScalar(value)) setting.value = written(value, this.#source, this.#report);
    else
      this.#report.add('syntax', this.#source, spanOf(item), `${setting.name} has no value`, {
        key: setting.name,
      });
    return [setting];
  }

  /** The Elasticsearch chart makes a privileged init container out of this value. */
  #chartValue(value: Parameters<typeof written>[0], around: Around): void {
    this.#subjects.commands.push({
      source: this.#source,
      name: 'vm.max_map_count',
      nameSpan: spanOf(value),
      value: written(value, this.#source, this.#report),
      hostNetwork: around.hostNetwork,
    });
  }

  /** Returns whether there is nothing else to say about the object. */
  #removedApis(map: YAMLMap): boolean {
    const kind = map.get('kind', true);
    if (isScalar(kind) && kind.value === 'PodSecurityPolicy') {
      this.#report.add(
        'removed-api',
        this.#source,
        spanOf(kind),
        'PodSecurityPolicy was removed in Kubernetes 1.25: what kubelets allow is in a SysctlProfile, who may use it in a ValidatingAdmissionPolicy',
      );
      return true;
    }
    const annotations = map.get('annotations');
    for (const { key } of isMap(annotations) ? annotations.items : [])
      if (isScalar(key) && /^security\.alpha\.kubernetes\.io\/(un)?safe-sysctls$/.test(String(key.value)))
        this.#report.add(
          'removed-api',
          this.#source,
          spanOf(key),
          'this annotation is no longer read: use spec.securityContext.sysctls of the pod',
        );
    return false;
  }
}

/** Messages without a picture of the place: the place is said with the finding. */
const OPTIONS = { logLevel: 'error', prettyErrors: false } as const;

/** Reads all documents of a YAML or JSON file. */
export function readYaml(source: Source, subjects: Subjects, report: Report): void {
  const reader = new Reader(source, subjects, report);
  for (const document of parseAllDocuments(source.text, OPTIONS)) {
    // What follows the first is mostly its consequence.
    for (const { pos, message } of document.errors.slice(0, 1)) {
      const template = source.text.includes('{{');
      const hint = template
        ? '; this looks like a template: give its output to lint (helm template ... | kubectl sysctl lint -)'
        : '';
      report.add('syntax', source, pos, `${message}${hint}`);
    }
    if (document.errors.length === 0) reader.document(document);
  }
}
