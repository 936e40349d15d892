import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './layout.ts';

/**
 * What the components change for the whole machine: the kubelet at every start, systemd as process 1 of a node, and ip_forward
 * for the routes between nodes.
 */
const CHANGED = [
  'kernel/panic',
  'kernel/panic_on_oops',
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
  'fs/file-max',
  'fs/nr_open',
  'net/ipv4/ip_forward',
];
const saved = (): string => join(cacheFolder(), 'sysctls-before.json');

/** Notes the machine's values before the first cluster changes them; a later cluster finds the note and leaves it. */
export function saveSysctls(): void {
  if (existsSync(saved())) return;
  mkdirSync(cacheFolder(), { recursive: true });
  const values = CHANGED.filter((key) => existsSync(`/proc/sys/${key}`)).map((key) => [
    key,
    readFileSync(`/proc/sys/${key}`, 'utf8').trim(),
  ]);
  writeFileSync(saved(), JSON.stringify(Object.fromEntries(values)));
}

/** Puts back what differs; called when the last cluster goes. */
export function restoreSysctls(): void {
  if (!existsSync(saved())) return;
  const values = JSON.parse(readFileSync(saved(), 'utf8')) as Record<string, string>;
  for (const [key, value] of Object.entries(values))
    if (readFileSync(`/proc/sys/${key}`, 'utf8').trim() !== value)
      writeFileSync(`/proc/sys/${key}`, `${value}\n`);
  rmSync(saved());
}
