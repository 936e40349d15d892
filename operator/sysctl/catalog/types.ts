/** `none`: the key is the kernel's own, one value for the whole node. */
export type Namespace = 'net' | 'ipc' | 'uts' | 'user' | 'pid' | 'none';

/**
 * What a process in fresh namespaces finds: a value of its own, the node's value that it can only read, no such file, or the node's
 * value that it would change for everybody.
 */
export type Presence = 'own' | 'readOnly' | 'absent' | 'shared';

/**
 * Where a fresh namespace takes its value from: a constant in the kernel, the node's (initial) namespace, or the one that creates it.
 * null for a key without namespace.
 */
export type Origin = 'hardCoded' | 'init' | 'parent';

/**
 * How the kernel reads and prints a value. `long` and `ulong` are as wide as the machine's word; `bool` takes 0 and 1 only; `tuple` is
 * several integers; `bitmap` is a list of numbers and ranges (0-3,7); `hex` is hexadecimal without 0x; `ports` is a bitmap of ports.
 */
export type ValueType =
  | 'int'
  | 'uint'
  | 'bool'
  | 'long'
  | 'ulong'
  | 'string'
  | 'tuple'
  | 'bitmap'
  | 'hex'
  | 'ports';

/** Smallest and largest accepted value; or the vendor's words where a pair of numbers does not say it. */
export type ProviderRange = readonly [min: number, max: number] | string;

/** Everything that is known about one sysctl, or about one file of every interface (`family`). */
export interface CatalogEntry {
  /** With dots; `*` stands for one component, the interface: net.ipv4.conf.*.forwarding. */
  name: string;
  family?: boolean;
  namespace: Namespace;
  writable: boolean;
  newNamespace: {
    presence: Presence;
    /** As the kernel prints it, blanks for tabs; null where it has none, or where it depends on the machine. */
    default: string | null;
    from: Origin | null;
  };
  type: ValueType;
  /** How many values it takes; null where that is the value's own affair (lists, texts). */
  arity: number | null;
  unit?: string;
  /** Inclusive, of each value where there are several. What the kernel takes, not what makes sense. */
  range?: readonly [min: number, max: number];
  /** One sentence: what it does, and when one changes it. */
  description: string;
  pods: {
    /** Version of Kubernetes since which every pod may set it. */
    safeSince: string | null;
    /** Kernel below which the kubelet takes it off the safe list again. */
    minKernel?: string | null;
    /** The kubelet's list accepts it and runc can set it in a pod with namespaces of its own. */
    allowable: boolean;
  };
  /** Who else sets it. */
  writers?: readonly string[];
  /** Other names of the same value. */
  aliases?: readonly string[];
  /** Keys that change with it, or that bound it. */
  coupled?: { names: readonly string[]; rule: string };
  /** How the value that is read differs from the one written. */
  rounding?: string;
  /** How older kernels differ, where that changes what one does. */
  history?: string;
  /** What the kernel needs for the key to exist: a module, or the option it is built with. */
  module?: string;
  writeOnce?: boolean;
  /** Writing starts an action; it holds no value. */
  trigger?: boolean;
  /** How far it cannot be undone before the next boot. */
  irreversible?: string;
  /** Why a wrong value is dangerous. */
  risks: readonly string[];
  providers?: { aks?: ProviderRange; gke?: ProviderRange };
  /** The measurement or the kernel file that says so. */
  source: string;
}
