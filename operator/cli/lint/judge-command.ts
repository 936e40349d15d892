import { lookup } from '../../sysctl/catalog/lookup.ts';
import { isSafeSysctl } from '../../sysctl/kubelet-patterns.ts';
import { onNodes } from './advice.ts';
import { judgeSetting } from './judge-setting.ts';
import type { Report } from './report.ts';
import type { CommandSubject } from './subjects.ts';

/** A sysctl that a container sets with privileges of its own: what it really changes, and how to do without. */
export function judgeCommand(command: CommandSubject, report: Report): void {
  const judged = judgeSetting(command, report);
  if (!judged) return;
  const { name, entry, value } = judged;
  const { source, nameSpan, hostNetwork } = command;
  const key = { key: name };
  const { namespace, podPresence } = lookup(name);
  const presence = entry?.newNamespace.presence ?? podPresence;
  if (presence === 'own' && !(hostNetwork && namespace === 'net')) {
    const allow = isSafeSysctl(name)
      ? ''
      : ', and allow it on the nodes with a SysctlProfile (pods.allowedUnsafeSysctls)';
    report.add(
      'sysctl-in-container',
      source,
      nameSpan,
      `a privileged container for what a pod may ask for: set ${name} in securityContext.sysctls (value "${value}")${allow}, and drop the container`,
      key,
    );
    return;
  }
  if ((presence === 'absent' || presence === 'readOnly') && !hostNetwork) {
    const what = presence === 'absent' ? 'is not there' : 'is read-only';
    report.add(
      'not-namespaced',
      source,
      nameSpan,
      `fails: ${name} ${what} in a pod's network; ${onNodes(name, value)}`,
      key,
    );
    return;
  }
  const scope = presence === 'own' ? ', scope: Node' : '';
  report.add(
    'sysctl-in-container',
    source,
    nameSpan,
    `changes ${name} for the whole node and everything on it, until its next boot, and nobody puts it back; ${onNodes(name, value, scope)}, and drop the privileged container`,
    key,
  );
}
