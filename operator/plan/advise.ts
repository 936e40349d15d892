import type { ResolvedSysctl, SysctlEntry, SysctlProfileSpec } from '../api/profile.ts';
import { adviceFor, adviceForPattern } from '../sysctl/advice/entries.ts';
import type { Written } from '../sysctl/advice/pairs.ts';
import { checkPattern, kubeletNamespace, normalizePattern } from '../sysctl/kubelet-patterns.ts';

/** The resolved entry with what a person should know about it; `written` is what the whole profile writes on the node. */
export function advised(one: ResolvedSysctl, entry: SysctlEntry, written: Written): ResolvedSysctl {
  const advice = adviceFor({ ...one, value: entry.value, scope: entry.scope ?? 'Auto' }, written);
  return advice ? { ...one, reason: one.reason ? `${one.reason}; ${advice}` : advice } : one;
}

/** The entries of pods.allowedUnsafeSysctls that there is something to say about. */
export function advisedPatterns({ pods }: SysctlProfileSpec): ResolvedSysctl[] {
  return (pods?.allowedUnsafeSysctls ?? []).flatMap((name): ResolvedSysctl[] => {
    const reason = checkPattern(name) === undefined ? adviceForPattern(name) : undefined;
    const namespace = kubeletNamespace(normalizePattern(name).split('*')[0] ?? '');
    return reason === undefined ? [] : [{ name, lane: 'Pod', ...(namespace && { namespace }), reason }];
  });
}
