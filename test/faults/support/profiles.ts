import type { Random } from './random.ts';

/** A profile as a schedule makes it: keys for the nodes themselves, and patterns for their kubelets. */
export interface Profile {
  priority: number;
  /** The nodes that it matches. */
  nodes: readonly string[];
  values: Readonly<Record<string, string>>;
  patterns: readonly string[];
}

export type Profiles = ReadonlyMap<string, Profile>;

/** What a node must have; written so that the same content is the same text. */
export interface Wanted {
  /** [name, value, profile], sorted. */
  sysctls: [name: string, value: string, profile: string][];
  patterns: string[];
}

/** One thing that a person does: the profile as it is from now on, or undefined: it is deleted. */
export interface Change {
  profile: string;
  to: Profile | undefined;
}

const integer =
  (from: number, to: number) =>
  (random: Random, odd: number): string =>
    String(2 * random.int(Math.ceil(from / 2), Math.floor(to / 2) - 1) + odd);

/**
 * Keys of which every node has its own, with values that their kernels take. Two profiles take odd and even values: then what a node has
 * says which profile it has it from, and hardly anything comes twice.
 */
export const KEYS: Readonly<Record<string, (random: Random, odd: number) => string>> = {
  'kernel.msgmnb': integer(20_000, 2_000_000),
  'kernel.msgmni': integer(1000, 30_000),
  'net.core.somaxconn': integer(1000, 60_000),
  'net.ipv4.ip_local_port_range': (random, odd) => `${integer(20_000, 30_000)(random, odd)} 60999`,
  'net.ipv4.tcp_fin_timeout': integer(10, 600),
  'net.ipv4.tcp_keepalive_intvl': integer(10, 600),
  'net.ipv4.tcp_keepalive_time': integer(100, 20_000),
  'net.ipv4.tcp_max_syn_backlog': integer(100, 60_000),
  'net.ipv4.tcp_rmem': (random, odd) => `4096 ${integer(8192, 900_000)(random, odd)} 6291456`,
  'net.ipv4.tcp_wmem': (random, odd) => `4096 ${integer(8192, 900_000)(random, odd)} 4194304`,
  'net.unix.max_dgram_qlen': integer(20, 4000),
};

export const PATTERNS = [
  'fs.mqueue.msg_max',
  'kernel.msgmax',
  'kernel.sem',
  'kernel.shmmax',
  'net.core.optmem_max',
  'net.ipv4.tcp_retries*',
];

/** What the profiles make of a node: per key the one with the highest priority, of patterns all. */
export function wantedOf(profiles: Profiles, node: string): Wanted {
  const matching = [...profiles]
    .filter(([, { nodes }]) => nodes.includes(node))
    .toSorted(([, a], [, b]) => a.priority - b.priority);
  const winners = new Map<string, [name: string, value: string, profile: string]>();
  for (const [profile, { values }] of matching)
    for (const [name, value] of Object.entries(values)) winners.set(name, [name, value, profile]);
  return {
    sysctls: [...winners.values()].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    patterns: [...new Set(matching.flatMap(([, { patterns }]) => patterns))].toSorted(),
  };
}

export const changed = (profiles: Profiles, { profile, to }: Change): Profiles => {
  const next = new Map(profiles);
  if (to) next.set(profile, to);
  else next.delete(profile);
  return next;
};

/** A value of every key. */
export const nextValues = (random: Random, odd: number): Record<string, string> =>
  Object.fromEntries(Object.entries(KEYS).map(([name, next]) => [name, next(random, odd)]));

/** The two profiles that a schedule plays with: one for all nodes, one that wins on the last. */
export const BOUNDS = (nodes: readonly string[]): Record<string, Pick<Profile, 'priority' | 'nodes'>> => ({
  all: { priority: 0, nodes },
  last: { priority: 10, nodes: nodes.slice(-1) },
});

/** The next thing that a person does to one of the profiles. Lists change seldom: each change restarts a kubelet. */
export function nextChange(random: Random, profiles: Profiles, nodes: readonly string[]): Change {
  const profile = random.weighted({ all: 3, last: 1 });
  const bounds = BOUNDS(nodes)[profile];
  const odd = profile === 'last' ? 1 : 0;
  const { values, patterns }: Pick<Profile, 'values' | 'patterns'> = profiles.get(profile) ?? {
    values: {},
    patterns: [],
  };
  const to = (part: Partial<Profile>): Change => ({
    profile,
    to: { priority: 0, nodes: [], ...bounds, values, patterns, ...part },
  });
  const name = random.pick(Object.keys(KEYS));
  const another = (key: string): string => {
    const value = KEYS[key]?.(random, odd) ?? '';
    return value === values[key] ? another(key) : value;
  };
  const set = (...keys: string[]): Record<string, string> => ({
    ...values,
    ...Object.fromEntries(keys.map((key) => [key, another(key)])),
  });
  const kind = random.weighted({
    set: 60,
    several: 15,
    unset: 12,
    patterns: 9,
    delete: profiles.has(profile) ? 4 : 0,
  });
  switch (kind) {
    case 'set':
      return to({ values: set(name) });
    case 'several':
      return to({ values: set(...random.shuffled(Object.keys(KEYS)).slice(0, 5)) });
    case 'unset': {
      const left = Object.entries(values).filter(([key]) => key !== name);
      // Every change changes something, and a profile has at least one entry.
      return left.length === Object.keys(values).length || left.length === 0
        ? to({ values: set(name) })
        : to({ values: Object.fromEntries(left) });
    }
    case 'patterns': {
      const pattern = random.pick(PATTERNS);
      return to({
        ...(Object.keys(values).length === 0 && { values: set(name) }),
        patterns: patterns.includes(pattern)
          ? patterns.filter((p) => p !== pattern)
          : [...patterns, pattern].toSorted(),
      });
    }
    default:
      return { profile, to: undefined };
  }
}
