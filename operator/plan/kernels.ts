import type { SysctlProfile } from '../api/profile.ts';
import type { KernelStatus } from '../api/state.ts';
import { normalizePattern } from '../sysctl/kubelet-patterns.ts';
import { KernelView } from '../sysctl/kernel/view.ts';

const views = new WeakMap<KernelStatus, KernelView>();

/** What a state says of its kernel, looked at once however many nodes share the object. */
export function viewOf(kernel: KernelStatus): KernelView {
  let view = views.get(kernel);
  if (!view) views.set(kernel, (view = new KernelView(kernel)));
  return view;
}

/** The sysctls and patterns that these profiles are about, sorted. */
export function namesIn(profiles: readonly SysctlProfile[]): string[] {
  const names = profiles.flatMap(({ spec }) => [
    ...(spec.sysctls ?? []).map(({ name }) => name),
    ...(spec.pods?.allowedUnsafeSysctls ?? []),
  ]);
  return [...new Set(names.map(normalizePattern))].toSorted();
}

/** How a kernel differs from the catalog in these names: equal for nodes that must have the same; empty where there is no difference. */
export function differencesIn(names: readonly string[], kernel: KernelView): string {
  return names
    .map((name) => [name, kernel.find(name)])
    .filter(([, finding]) => finding !== undefined)
    .map(([name, finding]) => `${name}=${finding}`)
    .join('\n');
}
