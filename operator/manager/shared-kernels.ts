import type { KernelStatus, NodeSysctlState } from '../api/state.ts';

/** More kinds of kernels than this at once, and some are kept in several copies. */
const MAX_KERNELS = 100;

/** Nodes of one kind tell the same of their kernel: all of them share one copy of it. */
export function sharedKernels(): (state: NodeSysctlState) => NodeSysctlState {
  const known = new Map<string, KernelStatus>();
  return (state) => {
    const kernel = state.status?.kernel;
    if (!state.status || !kernel) return state;
    const text = JSON.stringify(kernel);
    state.status.kernel = known.get(text) ?? kernel;
    known.set(text, state.status.kernel);
    const [oldest] = known.keys();
    if (known.size > MAX_KERNELS && oldest !== undefined) known.delete(oldest);
    return state;
  };
}
