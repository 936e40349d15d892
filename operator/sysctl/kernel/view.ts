import type { KernelFinding, KernelStatus } from '../../api/state.ts';
import { lookup, type Placement } from '../catalog/lookup.ts';
import { kubeletNamespace } from '../kubelet-patterns.ts';

const INTERFACE = /^(net\.ipv[46]\.(?:conf|neigh)\.)[^.]+(\.[^.]+)$/;
const presences: ReadonlySet<string> = new Set(['own', 'readOnly', 'absent', 'shared']);

const isPresence = (finding: KernelFinding | undefined): finding is Placement['podPresence'] =>
  finding !== undefined && presences.has(finding);

/** One kernel as its node tells of it: the catalog, corrected by what is different there. Names with a dot as first separator. */
export class KernelView {
  readonly #found = new Map<string, KernelFinding>();

  constructor({ differences = {} }: KernelStatus) {
    // A kernel that lacks a key has nothing more to say of it.
    for (const finding of ['own', 'absent', 'readOnly', 'shared', 'notWritable', 'missing'] as const)
      for (const name of differences[finding] ?? []) this.#found.set(name, finding);
  }

  /** How this kernel differs from the catalog in this key or pattern; undefined where it does not. */
  find(name: string): KernelFinding | undefined {
    const exact = this.#found.get(name) ?? this.#found.get(name.replace(INTERFACE, '$1*$2'));
    if (exact) return exact;
    for (let end = name.indexOf('.'); end !== -1; end = name.indexOf('.', end + 1))
      if (this.#found.get(`${name.slice(0, end)}.*`) === 'missing') return 'missing';
    return undefined;
  }

  placement(name: string): Placement {
    const catalog = lookup(name);
    const finding = this.find(name);
    if (!isPresence(finding)) return catalog;
    if (finding !== 'own') return { namespace: 'none', podPresence: finding };
    const namespace = catalog.namespace === 'none' ? (kubeletNamespace(name) ?? 'none') : catalog.namespace;
    return { namespace, podPresence: 'own' };
  }

  /** Why no pod can set this key or anything that this pattern stands for; undefined where the catalog holds, or more than that. */
  refusesPods(pattern: string): string | undefined {
    const finding = this.find(pattern);
    return finding === undefined || finding === 'own' || finding === 'notWritable'
      ? undefined
      : REFUSALS[finding];
  }
}

const REFUSALS: Record<Exclude<KernelFinding, 'own' | 'notWritable'>, string> = {
  missing: 'this kernel does not have it',
  absent: 'this kernel has it for the whole node only',
  readOnly: 'this kernel has it for the whole node; a pod can only read it',
  shared: 'this kernel has it for the whole node; a pod that could write it would change the node',
};
