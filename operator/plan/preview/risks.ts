import { normalizePattern } from '../../sysctl/kubelet-patterns.ts';
import { guardOf, warningOf } from '../../sysctl/guards.ts';
import type { ProfilePlan } from '../plan.ts';

/** What a person should know before a profile is enforced. */
export interface Risk {
  profile: string;
  name: string;
  message: string;
}

/** Of these the kubelet allows more than the name says to a person. */
const WIDE = new Set(['net.*', 'net.core.*', 'net.ipv4.*', 'net.ipv6.*', 'net.netfilter.*']);

/** Guarded keys that were acknowledged, keys that somebody else writes too, patterns that allow more than one expects. Pure. */
export function risksOf(profiles: readonly ProfilePlan[]): Risk[] {
  const risks: Risk[] = [];
  for (const { profile, resolved, patterns } of profiles) {
    const tell = (name: string, message: string): void =>
      void risks.push({ profile: profile.metadata.name, name, message });
    for (const { name, lane } of resolved) {
      if (lane !== 'Node') continue;
      const [guard, warning] = [guardOf(name), warningOf(name)];
      if (guard) tell(name, `acknowledged: ${guard}`);
      if (warning) tell(name, warning);
    }
    for (const pattern of patterns) {
      if (pattern.endsWith('*') && WIDE.has(normalizePattern(pattern)))
        tell(
          pattern,
          'the kubelet takes keys for namespaced that are not: a pod could change the whole node',
        );
    }
  }
  return risks;
}
