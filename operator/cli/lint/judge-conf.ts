import { globExpression } from '../explain/find.ts';
import { allNames } from '../../sysctl/catalog/index.ts';
import { KUBELET_OWNED, KUBE_PROXY_OWNED } from '../../sysctl/catalog/lookup.ts';
import { guardOf } from '../../sysctl/guards.ts';
import { harmOf, kubeletAdvice, reach } from './advice.ts';
import { judgeGroup, judgeNodePorts } from './groups.ts';
import { judgeSetting, type Judged } from './judge-setting.ts';
import type { Report } from './report.ts';
import type { ConfSubject, Setting } from './subjects.ts';

/** Blanks do not end a value, and quotes do not enclose one. Returns whether the value is worth judging. */
function plainValue({ source, name, value }: Setting, report: Report): boolean {
  if (!value) return true;
  const comment = /\s[#;]/.exec(value.text);
  if (comment) {
    report.add(
      'bad-value',
      source,
      value.span,
      'a comment behind a value is part of the value: give it a line of its own',
      { key: name },
    );
    return false;
  }
  if (!/^(["']).*\1$/.test(value.text)) return true;
  report.add(
    'bad-value',
    source,
    value.span,
    `quotes are part of the value in this format: write ${value.text.slice(1, -1)}`,
    { key: name },
  );
  return false;
}

function known(setting: Setting, report: Report): void {
  const expression = globExpression(setting.name.replaceAll('/', '.'));
  if (allNames().some((name) => expression.test(name))) return;
  report.add('unknown-key', setting.source, setting.nameSpan, `no known sysctl matches ${setting.name}`, {
    key: setting.name,
    severity: 'warning',
  });
}

/** What a value does to the node that it is on. */
export function judgeHarm({ name, value, setting }: Judged, report: Report): void {
  const harm = harmOf(name, value);
  if (harm)
    report.add(
      'breaks-node',
      setting.source,
      setting.value?.span ?? setting.nameSpan,
      `with ${name} ${value} ${harm}: leave it out`,
      { key: name },
    );
}

function onTheNode({ name, entry, value, setting }: Judged, report: Report): void {
  const { source, nameSpan } = setting;
  const key = { key: name };
  if (KUBELET_OWNED.has(name)) {
    const { message, same } = kubeletAdvice(name, value);
    report.add('kubelet-owned', source, nameSpan, message, {
      ...key,
      ...(same && { severity: 'note' as const }),
    });
  } else if (guardOf(name))
    report.add(
      'acknowledge-risks',
      source,
      nameSpan,
      `${name}: ${guardOf(name)}; be sure that this is meant`,
      { ...key, severity: 'warning' },
    );
  if (KUBE_PROXY_OWNED.has(name))
    report.add(
      'kube-proxy-owned',
      source,
      nameSpan,
      `kube-proxy sets ${name} whenever it starts, after this file was read: set it there (conntrack), or have it leave the key alone with 0`,
      key,
    );
  const reaches = entry?.writable && reach(name, entry);
  if (reaches) report.add(reaches.rule, source, nameSpan, reaches.message, key);
}

/** A sysctl.conf or a file of sysctl.d, as it would be on a node. */
export function judgeConf({ settings }: ConfSubject, report: Report): void {
  const seen = new Map<string, Judged>();
  for (const setting of settings) {
    const readable = plainValue(setting, report);
    if (/[*?[]/.test(setting.name)) {
      known(setting, report);
      continue;
    }
    const judged = judgeSetting(readable ? setting : withoutValue(setting), report);
    if (!judged) continue;
    const before = seen.get(judged.name);
    if (before) {
      const { line } = setting.source.position(before.setting.nameSpan[0]);
      report.add(
        'duplicate',
        setting.source,
        setting.nameSpan,
        `${judged.name} is in line ${line} already: this one counts; remove the other`,
        { key: judged.name, severity: 'warning' },
      );
    }
    seen.set(judged.name, judged);
    onTheNode(judged, report);
    judgeHarm(judged, report);
  }
  judgeGroup([...seen.values()], report);
  judgeNodePorts([...seen.values()], report);
}

const withoutValue = ({ source, name, nameSpan }: Setting): Setting => ({ source, name, nameSpan });
